import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import { useHub } from "../api/context";
import { senderOf } from "./sender";
import { Welcome } from "./welcome";

export default function WelcomePage() {
  const { session } = useHub();
  return (
    <ContentLayout header={<Header variant="h1">Send the first finding</Header>}>
      <Welcome {...senderOf(session)} />
    </ContentLayout>
  );
}
