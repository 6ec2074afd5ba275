/** How a sink stands, as /hubcap/v1/sinks tells. */
export interface Sink {
  Name: string;
  /** webhook, file or stream. */
  Type: string;
  Status: "UP" | "DOWN";
  Reason?: string;
  DownSince?: string;
  /** Events that wait; absent where the hub does not tell. */
  Waiting?: number;
  LagSeconds?: number;
  /** The age of the oldest event that waits. */
  OldestSeconds?: number;
  Dead: number;
  /** The first of the dead ones. */
  DeadEvents: { EventId: string; AwsAccountId: string; Reason: string; At: string }[];
}

export interface Sinks {
  Sinks: Sink[];
}

/** How one attempt to reach a sink went. */
export interface SinkTest {
  Name: string;
  Delivered: boolean;
  Reason?: string;
  EventId?: string;
  Milliseconds: number;
}
