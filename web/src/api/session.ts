/** What the hub tells everybody, at /console/hub.json. */
export interface HubInfo {
  Auth: "none" | "sigv4";
  Profile: "open" | "aws";
  Region: string;
  Version: string;
}

/** Who looks, and where. */
export interface Session {
  info: HubInfo;
  keyId: string;
  secret: string;
  region: string;
  /** The caller's account. */
  account: string;
  /** ARN of the caller. */
  arn: string;
}

/** The key that is the operator's under --auth none. */
export const operatorKey = "operator";
