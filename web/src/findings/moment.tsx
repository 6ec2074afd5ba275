const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [7, "day"],
  [4.35, "week"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
];

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago an instant was, in words. */
export function ago(at: Date, now: Date): string {
  let n = (at.getTime() - now.getTime()) / 1000;
  for (const [size, unit] of steps) {
    if (Math.abs(n) < size) {
      return words.format(Math.round(n), unit);
    }
    n /= size;
  }
  return at.toISOString();
}

/** An instant: how long ago, and exactly where one points at it. */
export function Moment({ at }: { at: string | Date | undefined }) {
  const date = at === undefined ? undefined : new Date(at);
  if (date === undefined || Number.isNaN(date.getTime())) {
    return <>–</>;
  }
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {ago(date, new Date())}
    </time>
  );
}
