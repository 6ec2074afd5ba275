const commercial = [
  "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
  "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
];

/** Regions to choose from: those of a Region's partition that most accounts have, and itself. */
export function regionsBeside(region: string): string[] {
  const known = region.startsWith("cn-") ? ["cn-north-1", "cn-northwest-1"] : region.startsWith("us-gov-") ? ["us-gov-east-1", "us-gov-west-1"] : commercial;
  return [...new Set([...known, region])].sort();
}
