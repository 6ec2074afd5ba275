import { ago } from "../findings/moment";
import { harmless } from "../findings/harmless";

/** The instant that a text says; undefined where it says none. Date reads one in almost anything that holds a digit. */
export function instantOf(text: string): Date | undefined {
  const date = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/.test(text) ? new Date(text) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

/** An instant: exactly, and how long ago. What is no instant is shown as it is. */
export function When({ at }: { at: string | undefined }) {
  if (at === undefined || at === "") {
    return <>–</>;
  }
  const date = instantOf(at);
  if (date === undefined) {
    return <>{harmless(at)}</>;
  }
  const iso = date.toISOString();
  return (
    <time dateTime={iso} title={harmless(at)}>
      {iso.slice(0, 19).replace("T", " ")} UTC <small>({ago(date, new Date())})</small>
    </time>
  );
}
