-- Every table that grows with the findings has the account first in its primary key, so that PostgreSQL distributed by account takes
-- the same schema and the same statements. Text is compared byte for byte (COLLATE "C"), whatever the database's locale. Instants are
-- Unix milliseconds.

-- What belongs to the store as a whole.
CREATE TABLE schema_version (version integer NOT NULL);
INSERT INTO schema_version VALUES (0);
CREATE TABLE setting (
    name  text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- What questions are asked by and answers are sorted by: a row a finding, rewritten with every change. columns.go says what each
-- column holds, and what it cannot hold.
CREATE TABLE finding (
    account           text COLLATE "C" NOT NULL,
    identity          bytea NOT NULL,
    region            text COLLATE "C" NOT NULL,
    updated           bigint NOT NULL,
    created           bigint NOT NULL,
    first_observed    bigint NOT NULL,
    last_observed     bigint NOT NULL,
    severity          smallint NOT NULL,
    provider_severity smallint NOT NULL,
    record_state      smallint NOT NULL,
    workflow          smallint NOT NULL,
    compliance        smallint NOT NULL,
    normalized        float8,
    confidence        float8,
    criticality       float8,
    resources         bigint[] NOT NULL,
    generator         text COLLATE "C",
    title             text COLLATE "C",
    PRIMARY KEY (account, identity)
) WITH (fillfactor = 90);

CREATE INDEX finding_newest ON finding (updated DESC, identity);
CREATE INDEX finding_newest_of_account ON finding (account, updated DESC, identity);
CREATE INDEX finding_severity ON finding (severity, record_state, workflow, updated DESC, identity);
CREATE INDEX finding_severity_of_account ON finding (account, severity DESC, identity);
CREATE INDEX finding_created ON finding (created, identity);
CREATE INDEX finding_title ON finding (title, identity);
CREATE INDEX finding_severity_resources ON finding (severity) INCLUDE (account, region, resources);

-- The findings themselves. Nothing that an index covers changes with most updates, so that these stay in the row's page (HOT). body is
-- compressed; id is the head of the finding's Id; terms are the hashes of what the finding can be found by and no column of the table above has.
CREATE TABLE document (
    account  text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    version  bigint NOT NULL,
    customer smallint NOT NULL,
    id       text COLLATE "C" NOT NULL,
    terms    bigint[] NOT NULL,
    body     bytea NOT NULL,
    PRIMARY KEY (account, identity)
) WITH (fillfactor = 75, toast_tuple_target = 4080);

ALTER TABLE document ALTER terms SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL, ALTER terms SET STATISTICS 3000;
CREATE INDEX document_terms ON document USING gin (terms) WITH (gin_pending_list_limit = 1024);
CREATE INDEX document_id ON document (id, identity);

-- The last version of findings that are no more, for a while: the versions of one that comes back go on from there.
CREATE TABLE gone (
    account  text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (account, identity)
);

-- The distinct values of an account that prefixes and substrings are looked for in. hash is the term; digest tells values apart whose
-- hashes are the same.
CREATE TABLE dict (
    account   text COLLATE "C" NOT NULL,
    digest    uuid NOT NULL,
    attribute smallint NOT NULL,
    key       text COLLATE "C" NOT NULL,
    hash      bigint NOT NULL,
    value     text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, digest)
);

CREATE INDEX dict_value ON dict (attribute, key, value);
CREATE INDEX dict_hash ON dict (hash);

CREATE TABLE history (
    account  text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    seq      bigint NOT NULL,
    at       bigint NOT NULL,
    record   bytea NOT NULL,
    PRIMARY KEY (account, identity, seq)
);

-- The accounts' small records. state_version has a row for every account that was ever asked about: who decides by an account's records
-- shares a lock on it until the decision is committed. version never falls; live is false where there are no records. told counts the
-- events of State calls.
CREATE TABLE state_version (
    account text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    live    boolean NOT NULL,
    told    bigint NOT NULL,
    PRIMARY KEY (account)
);

CREATE TABLE state (
    account text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    value   bytea NOT NULL,
    PRIMARY KEY (account, name)
);

-- A row a transaction, for some minutes: who lost the connection while committing finds out here what became of it. done is false in
-- the row of who asked first: a transaction that was not there then will never be.
CREATE TABLE writing (
    account text COLLATE "C" NOT NULL,
    id      uuid NOT NULL,
    at      timestamptz NOT NULL,
    done    boolean NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE spool (
    name  text COLLATE "C" NOT NULL,
    n     bigint NOT NULL,
    chunk bytea NOT NULL,
    PRIMARY KEY (name, n)
);

ALTER TABLE spool ALTER chunk SET STORAGE EXTERNAL;

-- The outbox. xact and n order events as they were committed, as nearly as PostgreSQL knows it.
CREATE TABLE event (
    account  text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    version  bigint NOT NULL,
    xact     bigint NOT NULL,
    n        integer NOT NULL,
    kind     smallint NOT NULL,
    at       bigint NOT NULL,
    detail   bytea NOT NULL,
    body     bytea NOT NULL,
    PRIMARY KEY (account, identity, version)
);

ALTER TABLE event ALTER detail SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL;
CREATE INDEX event_place ON event (xact, n);

CREATE TABLE waiting (
    account  text COLLATE "C" NOT NULL,
    sink     text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (account, sink, identity, version)
);

CREATE INDEX waiting_sink ON waiting (sink, account);

CREATE TABLE dead (
    account  text COLLATE "C" NOT NULL,
    sink     text COLLATE "C" NOT NULL,
    identity bytea NOT NULL,
    version  bigint NOT NULL,
    at       bigint NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, sink, identity, version)
);

CREATE INDEX dead_sink ON dead (sink, at);

CREATE TABLE lease (
    account text COLLATE "C" NOT NULL,
    sink    text COLLATE "C" NOT NULL,
    owner   text COLLATE "C" NOT NULL,
    until   bigint NOT NULL,
    PRIMARY KEY (account, sink)
);

ALTER TABLE finding SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE document SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE waiting SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
