import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import type { Key } from "../api/session";
import "./sign_in.css";

interface SignInProps {
  region: string;
  busy: boolean;
  error: ReactNode;
  onSignIn: (key: Key, region: string) => void;
}

/** Asks for an access key. It stays in this tab: requests are signed here, and the secret is never sent. */
export function SignIn({ region: begin, busy, error, onSignIn }: SignInProps) {
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [region, setRegion] = useState(begin);
  const [asked, setAsked] = useState(false);
  const problems = {
    id: id.trim() === "" ? "The access key id." : undefined,
    secret: secret === "" ? "The secret access key." : undefined,
    region: /^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region.trim()) ? undefined : "A Region, as us-east-1.",
  };
  return (
    <main className="sign-in">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          setAsked(true);
          if (Object.values(problems).every((p) => p === undefined)) {
            onSignIn({ id: id.trim(), secret }, region.trim());
          }
        }}
      >
        <Form
          header={<Header variant="h1">Sign in to hubcap</Header>}
          actions={
            <Button variant="primary" loading={busy}>
              Sign in
            </Button>
          }
        >
          <Container>
            <SpaceBetween size="m">
              {error}
              <FormField label="Access key id" errorText={asked ? problems.id : undefined}>
                <Input value={id} autoComplete="username" spellcheck={false} autoFocus onChange={({ detail }) => setId(detail.value)} />
              </FormField>
              <FormField label="Secret access key" errorText={asked ? problems.secret : undefined}>
                <Input value={secret} type="password" autoComplete="current-password" onChange={({ detail }) => setSecret(detail.value)} />
              </FormField>
              <FormField label="Region" errorText={asked ? problems.region : undefined}>
                <Input value={region} spellcheck={false} onChange={({ detail }) => setRegion(detail.value)} />
              </FormField>
              <Box color="text-body-secondary" fontSize="body-s">
                The key is one of the hub&apos;s configuration. It stays in this tab and is forgotten when you close it; the secret signs requests here and is never sent.
              </Box>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </main>
  );
}
