import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";

export interface KeyNumber {
  label: string;
  /** undefined while it is not known. */
  value: string | undefined;
  href?: string | undefined;
  note?: string | undefined;
}

/** The numbers that tell how things stand. */
export function KeyNumbers({ numbers }: { numbers: readonly KeyNumber[] }) {
  return (
    <Container header={<Header variant="h2">Now</Header>}>
      <ColumnLayout columns={4} variant="text-grid" minColumnWidth={150}>
        {numbers.map((n) => (
          <div key={n.label}>
            <Box variant="awsui-key-label">{n.label}</Box>
            {/* A dash has the number's height: nothing moves when it comes. */}
            {n.value !== undefined && n.href !== undefined ? (
              <Link variant="awsui-value-large" href={n.href} ariaLabel={`${n.label}: ${n.value}`}>
                {n.value}
              </Link>
            ) : (
              <Box variant="awsui-value-large">{n.value ?? "–"}</Box>
            )}
            <Box color="text-body-secondary" fontSize="body-s" margin={{ top: "xxs" }}>
              {n.note ?? "\u00a0"}
            </Box>
          </div>
        ))}
      </ColumnLayout>
    </Container>
  );
}
