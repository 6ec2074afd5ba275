import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { Component, type ReactNode } from "react";

/** Shows that a page broke, and keeps what stands around it. A page's files may be gone, too: the hub was updated meanwhile. */
export class Broken extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) {
      return this.props.children;
    }
    return (
      <Alert type="error" header="This page broke" action={<Button onClick={() => window.location.reload()}>Load the console anew</Button>}>
        {error.message}
      </Alert>
    );
  }
}
