import { operatorKey, type Session } from "../api/session";

/** Who would send a first finding: who looks, and where keys are not checked some account, for the operator has none of its own. */
export function senderOf(session: Session) {
  const checked = session.info.Auth === "sigv4";
  return {
    origin: window.location.origin,
    account: !checked && session.keyId === operatorKey ? "111122223333" : session.account,
    keyId: session.keyId,
    region: session.region,
    checked,
  };
}
