import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { QueryClient, QueryClientProvider, useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { BrowserRouter } from "react-router";
import { HubProvider } from "../api/context";
import { Failure } from "../api/failure";
import { identify, openHub } from "../api/hub";
import { Problem, problemOf } from "../api/problem";
import { type HubInfo, type Key, operatorKey, type Remembered, remember, remembered, type Session } from "../api/session";
import { root } from "../findings/link";
import { Frame } from "./frame";
import { NotifyProvider } from "./notify";
import { SignIn } from "./sign_in";

const queries = new QueryClient({
  defaultOptions: {
    // What passes by itself is asked again, after a while that grows; a change is never sent twice.
    queries: { staleTime: 10_000, retry: (failures, error) => failures < 2 && problemOf(error).passing, refetchOnWindowFocus: false },
    mutations: { retry: false },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <BrowserRouter basename={root}>
        <NotifyProvider>
          <Start />
        </NotifyProvider>
      </BrowserRouter>
    </QueryClientProvider>
  );
}

async function readInfo(): Promise<HubInfo> {
  const answer = await fetch(`${root}/hub.json`, { cache: "no-store" }).catch((e: unknown) => {
    throw problemOf(e);
  });
  if (!answer.ok) {
    throw new Problem(`The hub answered ${answer.status}.`, "Unreachable", answer.status);
  }
  return (await answer.json()) as HubInfo;
}

function Start() {
  const info = useQuery({ queryKey: ["hub.json"], queryFn: readInfo, staleTime: Infinity });
  if (info.isError) {
    return (
      <Box padding="xxl">
        <Failure error={info.error} what="The console could not start" retry={() => void info.refetch()} />
      </Box>
    );
  }
  return info.data === undefined ? <Waiting /> : <SignedIn info={info.data} />;
}

function Waiting() {
  return (
    <Box padding="xxl" textAlign="center">
      <Spinner size="large" />
    </Box>
  );
}

/** Who is signed in: with keys that are not checked the operator from the start, else whoever has a key. */
function SignedIn({ info }: { info: HubInfo }) {
  const checked = info.Auth === "sigv4";
  const [memory, setMemory] = useState<Remembered>(remembered);
  const change = (what: Partial<Remembered>) => setMemory((old) => ({ ...old, ...what }));
  useEffect(() => remember(memory), [memory]);

  const key: Key | undefined = checked ? memory.key : (memory.key ?? { id: operatorKey, secret: "any" });
  const region = memory.region ?? info.Region;
  const who = useQuery({
    queryKey: ["who", key?.id, key?.secret],
    queryFn: () => (key === undefined ? Promise.reject(new Error("no key")) : identify(key, region)),
    enabled: key !== undefined,
    staleTime: Infinity,
  });
  const signIn = useMutation({
    mutationFn: ({ key: typed, region: at }: { key: Key; region: string }) => identify(typed, at),
    onSuccess: (found, { key: typed, region: at }) => {
      queries.setQueryData(["who", typed.id, typed.secret], found);
      change({ key: typed, region: at, only: undefined });
    },
  });
  const signOut = () => {
    change({ key: undefined, only: undefined });
    queries.clear();
    queries.setQueryData(["hub.json"], info);
  };

  const session = useMemo<Session | undefined>(
    () => who.data && key && { info, keyId: key.id, secret: key.secret, region, account: who.data.account, arn: who.data.arn, only: memory.only },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a key is what it says, not which object says it
    [info, key?.id, key?.secret, region, who.data, memory.only],
  );
  const hub = useMemo(() => session && openHub(session), [session]);

  if (hub !== undefined) {
    return (
      <HubProvider hub={hub}>
        <Frame
          onRegion={(to) => change({ region: to })}
          onOnly={(only) => change({ only })}
          onActAs={(account) => change({ key: account === undefined ? undefined : { id: account, secret: "any" }, only: undefined })}
          onSignOut={signOut}
        />
      </HubProvider>
    );
  }
  if (!checked) {
    return who.isError ? (
      <Box padding="xxl">
        <Failure error={who.error} what="The console could not start" retry={() => void who.refetch()} />
      </Box>
    ) : (
      <Waiting />
    );
  }
  if (key !== undefined && who.isPending) {
    return <Waiting />;
  }
  const error = signIn.error ?? who.error;
  return (
    <SignIn
      region={region}
      busy={signIn.isPending}
      error={error !== null && <Failure error={error} what="You are not signed in" />}
      onSignIn={(typed, at) => signIn.mutate({ key: typed, region: at })}
    />
  );
}
