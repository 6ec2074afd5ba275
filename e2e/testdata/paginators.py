"""Every paginator that boto3 has for Security Hub, against a hub: two at a time, nothing twice, nothing left out."""

import copy
import json

import boto3
from botocore.config import Config


def client(account):
    return boto3.client("securityhub", aws_access_key_id=account, aws_secret_access_key="any", config=Config(retries={"max_attempts": 0}))


ME, SIZE = "111122223333", 2
hub = client(ME)
ARN = f"arn:aws:securityhub:us-east-1:{ME}"


def findings():
    with open("docs/examples/finding.json") as f:
        first = json.load(f)[0]
    every = [{**copy.deepcopy(first), "Id": f"finding-{i}"} for i in range(5)]
    assert hub.batch_import_findings(Findings=every)["FailedCount"] == 0
    return {}


def history():
    with open("docs/examples/finding.json") as f:
        first = json.load(f)[0]
    name = {"Id": "finding-0", "ProductArn": first["ProductArn"]}
    for status in ("NOTIFIED", "RESOLVED", "SUPPRESSED", "NEW"):
        answer = hub.batch_update_findings(FindingIdentifiers=[name], Workflow={"Status": status})
        assert not answer["UnprocessedFindings"], answer
    return {"FindingIdentifier": name}


def insights():
    for i in range(5):
        hub.create_insight(Name=f"Insight {i}", Filters={}, GroupByAttribute="ResourceId")
    return {}


def action_targets():
    for i in range(5):
        hub.create_action_target(Name=f"Action {i}", Description="does something", Id=f"action{i}")
    return {}


def subscriptions():
    products = [p["ProductArn"] for p in hub.describe_products()["Products"] if "SEND" in str(p["IntegrationTypes"])]
    for arn in products[:5]:
        hub.enable_import_findings_for_product(ProductArn=arn)
    return {}


def members():
    accounts = [{"AccountId": f"22223333440{i}", "Email": f"{i}@example.com"} for i in range(5)]
    answer = hub.create_members(AccountDetails=accounts)
    assert not answer["UnprocessedAccounts"], answer
    return {"OnlyAssociated": False}


def invitations():
    for i in range(3):
        other = client(f"33334444550{i}")
        other.create_members(AccountDetails=[{"AccountId": ME, "Email": "me@example.com"}])
        answer = other.invite_members(AccountIds=[ME])
        assert not answer["UnprocessedAccounts"], answer
    return {}


def administrators():
    client("555566667777").enable_organization_admin_account(AdminAccountId=ME)
    return {}


def aggregator():
    hub.create_finding_aggregator(RegionLinkingMode="ALL_REGIONS")
    return {}


def standards():
    arns = [s["StandardsArn"] for s in hub.describe_standards()["Standards"]][:3]
    hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": arn} for arn in arns])
    return {}


def policies():
    hub.update_organization_configuration(AutoEnable=False, OrganizationConfiguration={"ConfigurationType": "CENTRAL"})
    for i in range(5):
        hub.create_configuration_policy(Name=f"Policy {i}", ConfigurationPolicy={"SecurityHub": {"ServiceEnabled": True}})
    return {}


def associations():
    for i in range(5):
        hub.start_configuration_policy_association(
            ConfigurationPolicyIdentifier="SELF_MANAGED_SECURITY_HUB", Target={"AccountId": f"22223333440{i}"}
        )
    return {}


def nothing():
    return {}


# What to make first, which answers the paginator's arguments, and how many there then are at least. The order matters: some need what
# others made.
TABLE = {
    "GetFindings": (findings, 5),
    "GetFindingHistory": (history, 5),
    "GetInsights": (insights, 5),
    "DescribeActionTargets": (action_targets, 5),
    "DescribeProducts": (nothing, 20),
    "ListEnabledProductsForImport": (subscriptions, 5),
    "ListInvitations": (invitations, 3),
    "ListMembers": (members, 5),
    "ListFindingAggregators": (aggregator, 1),
    "ListOrganizationAdminAccounts": (administrators, 1),
    "DescribeStandards": (nothing, 10),
    "GetEnabledStandards": (standards, 3),
    "DescribeStandardsControls": (
        lambda: {"StandardsSubscriptionArn": f"{ARN}:subscription/aws-foundational-security-best-practices/v/1.0.0"},
        300,
    ),
    "ListSecurityControlDefinitions": (nothing, 500),
    "ListStandardsControlAssociations": (lambda: {"SecurityControlId": "IAM.5"}, 2),
    "ListConfigurationPolicies": (policies, 5),
    "ListConfigurationPolicyAssociations": (associations, 5),
}

# The second version of the API is not built: what these take is enough for boto3 to send them.
SECOND = {
    "GetFindingsTrendsV2": {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-02T00:00:00Z"},
    "GetResourcesTrendsV2": {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-02T00:00:00Z"},
    "GetRecommendedPolicyV2": {"MetadataUid": "x"},
}


def pages(method, arguments):
    """All items, two a page, and how many pages there were."""
    paginator = hub.get_paginator(method)
    key = paginator.result_keys[0].expression
    items, count = [], 0
    for page in paginator.paginate(**arguments, PaginationConfig={"PageSize": SIZE}):
        assert len(page[key]) <= SIZE, f"{method}: a page of {len(page[key])}"
        items += page[key]
        count += 1
    return items, count


def whole(operation, method, arguments):
    """The same items by pages as large as they may be."""
    paginator = hub.get_paginator(method)
    key = paginator.result_keys[0].expression
    return [item for page in paginator.paginate(**arguments) for item in page[key]]


def text(item):
    return json.dumps(item, sort_keys=True, default=str)


paginators = {operation: method for method, operation in hub.meta.method_to_api_mapping.items() if hub.can_paginate(method)}
first = [operation for operation in paginators if not operation.endswith("V2")]
assert sorted(first) == sorted(TABLE), "boto3 has paginators that this script does not know, or lost some"

built, missing = [], []
for operation, (prepare, least) in TABLE.items():
    method = paginators[operation]
    try:
        hub.get_paginator(method).paginate(**(prepare_arguments := prepare())).build_full_result()
    except hub.exceptions.ClientError as e:
        if e.response["Error"]["Code"] != "NotImplementedException":
            raise
        missing.append(operation)
        continue
    items, count = pages(method, prepare_arguments)
    assert len(items) >= least, f"{operation}: {len(items)} items, not {least}"
    assert count >= (len(items) + SIZE - 1) // SIZE, f"{operation}: {count} pages of {len(items)} items"
    texts = [text(item) for item in items]
    assert len(set(texts)) == len(texts), f"{operation}: something twice: {texts}"
    assert texts == [text(item) for item in whole(operation, method, prepare_arguments)], f"{operation}: large pages tell it otherwise"
    built.append(operation)

for operation, method in paginators.items():
    if operation.endswith("V2"):
        try:
            hub.get_paginator(method).paginate(**SECOND.get(operation, {})).build_full_result()
        except hub.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "NotImplementedException", e
            missing.append(operation)
        else:
            raise AssertionError(f"{operation} is built: give it a row in TABLE")

print("paginated:", *sorted(built))
print("not built:", *sorted(missing))
