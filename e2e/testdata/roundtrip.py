"""boto3 against a hub: import, page, triage, read the history, be refused with the service's exceptions."""

import copy
import json
import os

import boto3
from botocore.config import Config

hub = boto3.client("securityhub", config=Config(retries={"max_attempts": 0}))
with open("docs/examples/finding.json") as f:
    first = json.load(f)[0]

who = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL_SECURITYHUB"]).get_caller_identity()
assert (who["Account"], who["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:user/111122223333"), who

findings = []
for i in range(25):
    finding = copy.deepcopy(first)
    finding["Id"] = f"finding-{i:02}"
    finding["Title"] = "Zażółć gęślą jaźń 🪣"
    findings.append(finding)
findings.append({**copy.deepcopy(first), "Id": "bad", "Title": "x" * 257})
answer = hub.batch_import_findings(Findings=findings)
assert (answer["SuccessCount"], answer["FailedCount"]) == (25, 1), answer
assert answer["FailedFindings"] == [
    {
        "Id": "bad",
        "ErrorCode": "InvalidInput",
        "ErrorMessage": "Finding does not adhere to Amazon Finding Format. data.Title should NOT be longer than 256 characters.",
    }
], answer

pages = hub.get_paginator("get_findings").paginate(
    Filters={"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]},
    SortCriteria=[{"Field": "Id", "SortOrder": "asc"}],
    PaginationConfig={"PageSize": 10},
)
got = [finding for page in pages for finding in page["Findings"]]
assert [finding["Id"] for finding in got] == [f"finding-{i:02}" for i in range(25)], got
assert {finding["Title"] for finding in got} == {"Zażółć gęślą jaźń 🪣"}

name = {"Id": "finding-07", "ProductArn": first["ProductArn"]}
answer = hub.batch_update_findings(FindingIdentifiers=[name], Severity={"Label": "LOW"}, UserDefinedFields={"owner": "web"})
assert answer["ProcessedFindings"] == [name] and answer["UnprocessedFindings"] == [], answer
(updated,) = hub.get_findings(Filters={"UserDefinedFields": [{"Key": "owner", "Value": "web", "Comparison": "EQUALS"}]})["Findings"]
assert updated["Severity"]["Label"] == "LOW" and updated["Severity"]["Normalized"] == 1, updated

records = hub.get_finding_history(FindingIdentifier=name)["Records"]
assert {"UpdatedField": "Severity.Label", "OldValue": "HIGH", "NewValue": "LOW"} in records[0]["Updates"], records

try:
    hub.get_findings(MaxResults=101, Filters={})
    raise SystemExit("101 results were not refused")
except hub.exceptions.InvalidInputException as e:
    assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400

# What GetFindings returned can be imported again.
again = hub.batch_import_findings(Findings=[{**updated, "UpdatedAt": "2026-11-20T00:00:00Z"}])
assert again["SuccessCount"] == 1, again
print("round trip done")
