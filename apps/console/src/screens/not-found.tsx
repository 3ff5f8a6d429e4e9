import { Link } from "@tanstack/react-router";
import { EmptyNote, Page } from "@tideway/ui";

export function NotFoundScreen() {
  return (
    <Page title="Nothing here" titleHidden appName="Tideway console">
      <div className="tw-card">
        <EmptyNote title="There is no page at this address" action={<Link to="/">Go home</Link>}>
          The link may be old, or a letter of it missing.
        </EmptyNote>
      </div>
    </Page>
  );
}
