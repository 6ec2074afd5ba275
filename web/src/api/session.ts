/** What the hub tells everybody, at /console/hub.json. */
export interface HubInfo {
  Auth: "none" | "sigv4";
  Profile: "open" | "aws";
  /** Where to begin looking. */
  Region: string;
  Version: string;
}

/** An access key. */
export interface Key {
  id: string;
  secret: string;
}

/** Who looks, and where. */
export interface Session {
  info: HubInfo;
  keyId: string;
  secret: string;
  region: string;
  /** The caller's account, and its ARN: who it is to the hub. */
  account: string;
  arn: string;
  /** The one account that an administrator looks at; undefined for all that it sees. */
  only: string | undefined;
}

/** The key that is the operator's under --auth none. */
export const operatorKey = "operator";

/** What outlives a reload, and ends with the tab. */
export interface Remembered {
  key: Key | undefined;
  region: string | undefined;
  only: string | undefined;
}

const place = "hubcap.session";

const nothing: Remembered = { key: undefined, region: undefined, only: undefined };

/** Reads what was remembered; what cannot be read was not. */
export function remembered(store: Pick<Storage, "getItem"> = window.sessionStorage): Remembered {
  try {
    const read = JSON.parse(store.getItem(place) ?? "{}") as Record<string, unknown>;
    const key = read["key"] as { id?: unknown; secret?: unknown } | undefined;
    const text = (v: unknown) => (typeof v === "string" && v !== "" ? v : undefined);
    return {
      key: typeof key?.id === "string" && typeof key.secret === "string" ? { id: key.id, secret: key.secret } : undefined,
      region: text(read["region"]),
      only: text(read["only"]),
    };
  } catch {
    return nothing;
  }
}

/** Remembers a session until the tab is closed. Where a browser keeps nothing, it lasts until the page is loaded anew. */
export function remember(what: Remembered, store: Pick<Storage, "setItem"> = window.sessionStorage): void {
  try {
    store.setItem(place, JSON.stringify(what));
  } catch {
    // a full or forbidden store
  }
}
