// What a finding says is somebody else's text. React shows text as text; this is about what even text can do: characters that turn its
// direction, hide, or control.

const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu;
const kept = new Set(["\n", "\t", "\u200d"]);

/** Text with its unseen characters written out, as \u202e. */
export function harmless(text: string): string {
  return text.toWellFormed().replace(unseen, (c) => (kept.has(c) ? c : `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`));
}

/** An address that a link may lead to: http or https, nothing else. */
export function webAddress(text: string | undefined): string | undefined {
  if (text === undefined) {
    return undefined;
  }
  try {
    const url = new URL(text);
    return (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === "" ? url.href : undefined;
  } catch {
    return undefined;
  }
}
