import AppLayout from "@cloudscape-design/components/app-layout";
import Box from "@cloudscape-design/components/box";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import Spinner from "@cloudscape-design/components/spinner";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useMemo, useState } from "react";
import { BrowserRouter, Navigate, Route, Routes, useLocation, useNavigate } from "react-router";
import { HubProvider } from "../api/context";
import { Failure } from "../api/failure";
import { openHub } from "../api/hub";
import { Problem, problemOf } from "../api/problem";
import { type HubInfo, operatorKey, type Session } from "../api/session";
import { root } from "../findings/link";
import { pages } from "./pages";
import { Notices, NotifyProvider } from "./notify";

const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 10_000, retry: (failures, error) => failures < 2 && problemOf(error).passing, refetchOnWindowFocus: false } },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <BrowserRouter basename="/console">
        <NotifyProvider>
          <Start />
        </NotifyProvider>
      </BrowserRouter>
    </QueryClientProvider>
  );
}

async function readInfo(): Promise<HubInfo> {
  const answer = await fetch("/console/hub.json", { cache: "no-store" });
  if (!answer.ok) {
    throw new Problem(`The hub answered ${answer.status}.`, "Unreachable", answer.status);
  }
  return (await answer.json()) as HubInfo;
}

function Start() {
  const info = useQuery({ queryKey: ["hub.json"], queryFn: readInfo });
  const [region, setRegion] = useState<string>();
  const session = useMemo<Session | undefined>(
    () =>
      info.data && {
        info: info.data,
        keyId: operatorKey,
        secret: "any",
        region: region ?? info.data.Region,
        account: "123456789012",
        arn: "operator",
      },
    [info.data, region],
  );
  const hub = useMemo(() => session && openHub(session), [session]);
  if (hub === undefined) {
    return info.isError ? <Failure error={info.error} what="The console could not start" retry={() => void info.refetch()} /> : <Box padding="xxl"><Spinner size="large" /></Box>;
  }
  return (
    <HubProvider hub={hub}>
      <Shell onRegion={setRegion} />
    </HubProvider>
  );
}

function Shell({ onRegion }: { onRegion: (region: string) => void }) {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [dark, setDark] = useState(() => window.matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => followLinks((to) => void navigate(to)), [navigate]);
  applyMode(dark ? Mode.Dark : Mode.Light);
  return (
    <>
      <TopNavigation
        identity={{ href: "/console/", title: "hubcap" }}
        utilities={[
          { type: "button", text: dark ? "Light" : "Dark", onClick: () => setDark(!dark) },
          { type: "menu-dropdown", text: "Region", items: ["us-east-1", "eu-west-1"].map((id) => ({ id, text: id })), onItemClick: ({ detail }) => onRegion(detail.id) },
        ]}
      />
      <AppLayout
        toolsHide
        notifications={<Notices />}
        navigation={
          <SideNavigation
            activeHref={`${root}${pathname}`}
            header={{ href: `${root}/`, text: "hubcap" }}
            items={pages.filter((p) => p.text !== undefined).map(({ path, text }) => ({ type: "link" as const, href: `${root}/${path}`, text: text ?? "" }))}
          />
        }
        content={
          <Suspense fallback={<Spinner />}>
            <Routes>
              {pages.map(({ path, Page }) => (
                <Route key={path} path={`/${path}/*`} element={<Page />} />
              ))}
              <Route path="*" element={<Navigate to="/overview" replace />} />
            </Routes>
          </Suspense>
        }
      />
    </>
  );
}

/** Follows links to the console's own pages without loading it anew. Others, and those opened in a new tab, are the browser's. */
function followLinks(go: (to: string) => void): () => void {
  const follow = (e: MouseEvent) => {
    const link = e.target instanceof Element ? e.target.closest("a[href]") : null;
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || !(link instanceof HTMLAnchorElement) || link.target !== "") {
      return;
    }
    const to = new URL(link.href);
    if (to.origin === window.location.origin && to.pathname.startsWith(`${root}/`)) {
      e.preventDefault();
      go(to.pathname.slice(root.length) + to.search);
    }
  };
  document.addEventListener("click", follow);
  return () => document.removeEventListener("click", follow);
}
