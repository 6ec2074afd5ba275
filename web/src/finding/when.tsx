import { ago } from "../findings/moment";
import { harmless } from "../findings/harmless";

/** An instant: exactly, and how long ago. What is no instant is shown as it is. */
export function When({ at }: { at: string | undefined }) {
  if (at === undefined || at === "") {
    return <>–</>;
  }
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) {
    return <>{harmless(at)}</>;
  }
  const iso = date.toISOString();
  return (
    <time dateTime={iso} title={harmless(at)}>
      {iso.slice(0, 19).replace("T", " ")} UTC <small>({ago(date, new Date())})</small>
    </time>
  );
}
