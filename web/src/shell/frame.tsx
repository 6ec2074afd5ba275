import AppLayout from "@cloudscape-design/components/app-layout";
import Box from "@cloudscape-design/components/box";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import Spinner from "@cloudscape-design/components/spinner";
import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { Suspense, useEffect, useState } from "react";
import { Navigate, Route, Routes, useLocation, useNavigate } from "react-router";
import { regionsBeside } from "../accounts/regions";
import { useHub } from "../api/context";
import { operatorKey } from "../api/session";
import { root } from "../findings/link";
import { Broken } from "./broken";
import { ChooseAccount } from "./choose_account";
import { followLinks } from "./follow_links";
import { Notices } from "./notify";
import { pageAt, pages } from "./pages";
import { useTheme } from "./theme";

interface FrameProps {
  onRegion: (region: string) => void;
  /** Narrows what is seen to one account; undefined: all again. */
  onOnly: (account: string | undefined) => void;
  /** Where keys are not checked: signs as another account; undefined: as the operator again. */
  onActAs: (account: string | undefined) => void;
  onSignOut: () => void;
}

/** What stands around every page: who looks and where, and the way to the other pages. */
export function Frame({ onRegion, onOnly, onActAs, onSignOut }: FrameProps) {
  const { session } = useHub();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [open, setOpen] = useState(true);
  const [choosing, setChoosing] = useState(false);
  const [dark, setDark] = useTheme();
  useEffect(() => followLinks((to) => void navigate(to)), [navigate]);
  const here = pageAt(pathname);
  useEffect(() => {
    document.title = here?.text === undefined ? "hubcap" : `${here.text} - hubcap`;
  }, [here]);

  const checked = session.info.Auth === "sigv4";
  const operator = !checked && session.keyId === operatorKey;
  const role = operator ? "operator" : session.arn.split("/").at(-1);
  const accountItems: TopNavigationProps.MenuDropdownUtility["items"] = [
    ...(checked || operator ? [{ id: "choose", text: checked ? "Look at one account…" : "Act as an account…" }] : []),
    ...(session.only === undefined ? [] : [{ id: "all", text: "Look at all accounts" }]),
    ...(!checked && !operator ? [{ id: "operator", text: "Act as the operator" }] : []),
    ...(checked ? [{ id: "out", text: "Sign out" }] : []),
  ];
  const act = (id: string) => {
    switch (id) {
      case "choose":
        setChoosing(true);
        break;
      case "all":
        onOnly(undefined);
        break;
      case "operator":
        onActAs(undefined);
        break;
      case "out":
        onSignOut();
    }
  };

  return (
    <>
      <div id="top" style={{ insetBlockStart: 0, position: "sticky", zIndex: 1002 }}>
        <TopNavigation
          identity={{ href: `${root}/`, title: "hubcap" }}
          utilities={[
            { type: "button", text: dark ? "Light" : "Dark", ariaLabel: dark ? "Light colours" : "Dark colours", onClick: () => setDark(!dark) },
            {
              type: "menu-dropdown",
              text: session.region,
              ariaLabel: `Region ${session.region}`,
              items: regionsBeside(session.region).map((id) => ({ id, text: id })),
              onItemClick: ({ detail }) => onRegion(detail.id),
            },
            {
              type: "menu-dropdown",
              iconName: "user-profile",
              text: session.only === undefined ? `${session.account} (${role ?? ""})` : `${session.account} (${role ?? ""}), only ${session.only}`,
              ariaLabel: `Account ${session.account}, ${role ?? ""}`,
              title: session.account,
              description: session.arn,
              items: accountItems,
              onItemClick: ({ detail }) => act(detail.id),
            },
          ]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigationOpen={open}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        ariaLabels={{ navigation: "Pages", navigationClose: "Close the navigation", navigationToggle: "Open the navigation", notifications: "Notices" }}
        notifications={<Notices />}
        navigation={
          <SideNavigation
            activeHref={here === undefined ? root : `${root}/${here.path}`}
            header={{ href: `${root}/`, text: "hubcap" }}
            items={[
              ...pages.flatMap(({ path, text }) => (text === undefined ? [] : [{ type: "link" as const, href: `${root}/${path}`, text }])),
            ]}
          />
        }
        content={
          // A page that breaks must not take the way to the others with it.
          <Broken key={pathname}>
            <Suspense
              fallback={
                <Box padding="xxl" textAlign="center">
                  <Spinner size="large" />
                </Box>
              }
            >
              <Routes>
                {pages.map(({ path, Page }) => (
                  <Route key={path} path={`/${path}/*`} element={<Page />} />
                ))}
                <Route path="*" element={<Navigate to="/overview" replace />} />
              </Routes>
            </Suspense>
          </Broken>
        }
      />
      {choosing && (
        <ChooseAccount
          title={checked ? "Look at one account" : "Act as an account"}
          description={
            checked
              ? "Findings, counts and changes are narrowed to this account, of those that you see. Insights and rules stay those of your account."
              : "You see and do what this account would: its findings, insights, rules and members."
          }
          onChoose={(account) => {
            setChoosing(false);
            if (checked) {
              onOnly(account);
            } else {
              onActAs(account);
            }
          }}
          onClose={() => setChoosing(false)}
        />
      )}
    </>
  );
}
