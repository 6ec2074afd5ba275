/** Why a request was not answered as it should be: what people are told, and whether asking again may help. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    message: string,
    /** The error's name as the API tells it; "Unreachable" or "Slow" where no answer came. */
    readonly code: string,
    /** 0 where no answer came. */
    readonly status: number,
    readonly requestId: string | undefined = undefined,
  ) {
    super(message);
  }

  /** Asking again may be answered otherwise. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** What to do, in a sentence. */
  get advice(): string {
    switch (true) {
      case this.code === "Slow":
        return "Ask again, or narrow the question.";
      case this.status === 0:
        return "Is the hub running, and can this machine reach it? The console asks again when you do.";
      case this.status === 429:
        return "The hub is asked more than it may be. Wait a little, and ask again.";
      case this.status === 503:
        return "The hub is too busy, or its disk is full. Wait a little, and ask again.";
      case this.status >= 500:
        return "The hub's log tells more, by the request id.";
      case this.status === 403 || this.status === 401:
        return "Sign in with another key, or have its policy allow this.";
      default:
        return "";
    }
  }
}

/** Makes a Problem of whatever a request failed with. */
export function problemOf(e: unknown): Problem {
  if (e instanceof Problem) {
    return e;
  }
  const error = e as { name?: unknown; message?: unknown; $metadata?: { httpStatusCode?: number; requestId?: string } };
  const name = typeof error.name === "string" ? error.name : "Error";
  const message = typeof error.message === "string" && error.message !== "" ? error.message : name;
  if (error.$metadata?.httpStatusCode !== undefined) {
    return new Problem(message, name, error.$metadata.httpStatusCode, error.$metadata.requestId);
  }
  if (name === "TimeoutError") {
    return new Problem("The hub took too long to answer.", "Slow", 0);
  }
  return new Problem("The hub cannot be reached.", "Unreachable", 0);
}
