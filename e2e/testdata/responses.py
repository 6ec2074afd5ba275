"""Every operation of the first version of the API by boto3, each answer held against botocore's model as it came over the wire: required
members are there, nothing is there that the model does not know, types, enumerations, patterns, lengths and timestamps are the model's."""

import json
import re

import boto3
from botocore.config import Config

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
answered = {}


def wrong(shape, value, path):
    """What of a value the model does not allow, as sentences."""
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return []
    if value is None:
        return [f"{path} is null"]
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no structure"]
        bad = [f"{path}.{m} is missing" for m in shape.required_members if m not in value]
        bad += [f"{path}.{m} is unknown to the model" for m in value if m not in shape.members]
        if shape.is_tagged_union and len(value) != 1:
            bad.append(f"{path} is a union and has {len(value)} members")
        return bad + [s for m, v in value.items() if m in shape.members for s in wrong(shape.members[m], v, f"{path}.{m}")]
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [s for i, v in enumerate(value) for s in wrong(shape.member, v, f"{path}[{i}]")] + bounds(shape, len(value), path)
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path} is no map"]
        return [s for k, v in value.items() for s in wrong(shape.key, k, f"{path}({k})") + wrong(shape.value, v, f"{path}({k})")]
    if kind == "timestamp":
        return [] if isinstance(value, str) and INSTANT.fullmatch(value) else [f"{path} is no timestamp: {value!r}"]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{path} is no boolean: {value!r}"]
    if kind in ("integer", "long"):
        return bounds(shape, value, path) if type(value) is int else [f"{path} is no integer: {value!r}"]
    if kind in ("double", "float"):
        return [] if type(value) in (int, float) else [f"{path} is no number: {value!r}"]
    assert kind == "string", kind
    if not isinstance(value, str):
        return [f"{path} is no string: {value!r}"]
    if shape.enum and value not in shape.enum:
        return [f"{path} is none of {shape.enum}: {value!r}"]
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        return [f"{path} does not match {pattern}: {value!r}"]
    return bounds(shape, len(value), path)


def bounds(shape, n, path):
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    return [f"{path} is out of {low}..{high}: {n}"] if low is not None and n < low or high is not None and n > high else []


def arrived(operation_model, response_dict, **_):
    name = operation_model.name
    if response_dict["status_code"] != 200:
        return
    body = json.loads(response_dict["body"])
    bad = wrong(operation_model.output_shape, body, name)
    assert not bad, "\n".join(bad[:20])
    answered[name] = answered.get(name, 0) + 1


def client(account, region="us-east-1"):
    c = boto3.client("securityhub", region_name=region, aws_access_key_id=account, aws_secret_access_key="any", config=Config(retries={"max_attempts": 0}))
    c.meta.events.register("before-parse.securityhub", arrived)
    return c


ME, MEMBER, MANAGEMENT, STRANGER = "111122223333", "444455556666", "100000000000", "777788889999"
hub, member, management = client(ME), client(MEMBER), client(MANAGEMENT)
OWN = f"arn:aws:securityhub:us-east-1:{ME}:"
CIS = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"
FSBP = "arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0"

# The hub, products, tags, actions.
hub.enable_security_hub(Tags={"team": "blue"}, EnableDefaultStandards=True)
hub.describe_hub()
hub.update_security_hub_configuration(AutoEnableControls=False, ControlFindingGenerator="SECURITY_CONTROL")
hub.tag_resource(ResourceArn=OWN + "hub/default", Tags={"cost": "1"})
assert hub.list_tags_for_resource(ResourceArn=OWN + "hub/default")["Tags"] == {"team": "blue", "cost": "1"}
hub.untag_resource(ResourceArn=OWN + "hub/default", TagKeys=["cost"])
for page in hub.get_paginator("describe_products").paginate():
    assert page["Products"]
prowler = hub.enable_import_findings_for_product(ProductArn="arn:aws:securityhub:us-east-1::product/prowler/prowler")["ProductSubscriptionArn"]
assert hub.list_enabled_products_for_import()["ProductSubscriptions"] == [prowler]
hub.disable_import_findings_for_product(ProductSubscriptionArn=prowler)
action = hub.create_action_target(Name="Page", Description="pages", Id="page")["ActionTargetArn"]
hub.describe_action_targets(ActionTargetArns=[action])
hub.update_action_target(ActionTargetArn=action, Name="Call")
hub.delete_action_target(ActionTargetArn=action)

# Findings, insights, rules.
with open("docs/examples/finding.json") as f:
    finding = json.load(f)[0]
answer = hub.batch_import_findings(Findings=[finding, {**finding, "Id": "bad", "Title": "x" * 257}])
assert (answer["SuccessCount"], answer["FailedCount"]) == (1, 1), answer
name = {"Id": finding["Id"], "ProductArn": finding["ProductArn"]}
answer = hub.batch_update_findings(FindingIdentifiers=[name, {**name, "Id": "none"}], Workflow={"Status": "NOTIFIED"}, Note={"Text": "t", "UpdatedBy": "me"})
assert len(answer["ProcessedFindings"]) == len(answer["UnprocessedFindings"]) == 1, answer
assert hub.get_findings()["Findings"]
assert hub.get_finding_history(FindingIdentifier=name)["Records"]
hub.update_findings(Filters={"Id": [{"Value": "none", "Comparison": "EQUALS"}]}, RecordState="ARCHIVED")
insight = hub.create_insight(
    Name="i", GroupByAttribute="ResourceId", Filters={"UpdatedAt": [{"DateRange": {"Value": 7, "Unit": "DAYS"}}], "Confidence": [{"Gte": 1.5}]}
)["InsightArn"]
hub.update_insight(InsightArn=insight, Name="j", Filters={"Title": [{"Value": "B", "Comparison": "PREFIX"}]})
assert hub.get_insight_results(InsightArn=insight)["InsightResults"]["ResultValues"]
hub.get_insights()
hub.get_insights(InsightArns=[f"arn:aws:securityhub:::insight/securityhub/default/{n}" for n in (1, 26, 34)])
hub.delete_insight(InsightArn=insight)
rule = hub.create_automation_rule(
    RuleName="r", Description="d", RuleOrder=1, Criteria={"Title": [{"Value": "B", "Comparison": "PREFIX"}]}, Tags={"a": "b"},
    Actions=[{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Severity": {"Label": "LOW"}, "Note": {"Text": "t", "UpdatedBy": "me"}}}],
)["RuleArn"]
none = rule[:-1] + ("0" if rule[-1] != "0" else "1")
answer = hub.batch_get_automation_rules(AutomationRulesArns=[rule, none])
assert len(answer["Rules"]) == len(answer["UnprocessedAutomationRules"]) == 1, answer
hub.batch_update_automation_rules(UpdateAutomationRulesRequestItems=[{"RuleArn": rule, "RuleOrder": 2}, {"RuleArn": none, "RuleOrder": 2}])
assert hub.list_automation_rules()["AutomationRulesMetadata"]
hub.batch_delete_automation_rules(AutomationRulesArns=[rule, none])

# Standards and controls.
hub.describe_standards()
answer = hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": CIS, "StandardsInput": {"a": "b"}}, {"StandardsArn": FSBP}])
for s in answer["StandardsSubscriptions"]:
    for page in hub.get_paginator("describe_standards_controls").paginate(StandardsSubscriptionArn=s["StandardsSubscriptionArn"]):
        control = page["Controls"][0]
hub.update_standards_control(StandardsControlArn=control["StandardsControlArn"], ControlStatus="DISABLED", DisabledReason="not ours")
hub.get_enabled_standards()
controls = []
for page in hub.get_paginator("list_security_control_definitions").paginate():
    controls += [d["SecurityControlId"] for d in page["SecurityControlDefinitions"]]
for i in range(0, len(controls), 100):
    assert not hub.batch_get_security_controls(SecurityControlIds=controls[i : i + 100])["UnprocessedIds"]
hub.batch_get_security_controls(SecurityControlIds=["IAM.1", "None.1"])
hub.get_security_control_definition(SecurityControlId="ACM.1")
hub.update_security_control(SecurityControlId="ACM.1", Parameters={"daysToExpiration": {"ValueType": "CUSTOM", "Value": {"Integer": 45}}}, LastUpdateReason="ours")
hub.list_standards_control_associations(SecurityControlId="IAM.1")
hub.batch_get_standards_control_associations(
    StandardsControlAssociationIds=[{"SecurityControlId": "IAM.1", "StandardsArn": CIS}, {"SecurityControlId": "None.1", "StandardsArn": CIS}]
)
hub.batch_update_standards_control_associations(
    StandardsControlAssociationUpdates=[
        {"SecurityControlId": "IAM.1", "StandardsArn": CIS, "AssociationStatus": "DISABLED", "UpdatedReason": "not ours"},
        {"SecurityControlId": "IAM.1", "StandardsArn": CIS, "AssociationStatus": "DISABLED"},
    ]
)
hub.batch_disable_standards(StandardsSubscriptionArns=[answer["StandardsSubscriptions"][0]["StandardsSubscriptionArn"]])

# Members, by the new names and the old.
for accept, of, leave, who in (
    (lambda i: member.accept_administrator_invitation(AdministratorId=ME, InvitationId=i), member.get_administrator_account,
     member.disassociate_from_administrator_account, "Administrator"),
    (lambda i: member.accept_invitation(MasterId=ME, InvitationId=i), member.get_master_account, member.disassociate_from_master_account, "Master"),
):
    assert who not in of()
    hub.create_members(AccountDetails=[{"AccountId": MEMBER, "Email": "m@example.com"}, {"AccountId": ME}])
    assert len(hub.invite_members(AccountIds=[MEMBER, STRANGER])["UnprocessedAccounts"]) == 1
    assert member.get_invitations_count()["InvitationsCount"] == 1
    (invitation,) = member.list_invitations()["Invitations"]
    accept(invitation["InvitationId"])
    assert of()[who]["AccountId"] == ME
    hub.list_members()
    assert len(hub.get_members(AccountIds=[MEMBER, STRANGER])["UnprocessedAccounts"]) == 1
    leave()
    hub.delete_members(AccountIds=[MEMBER, STRANGER])
hub.create_members(AccountDetails=[{"AccountId": MEMBER}])
hub.invite_members(AccountIds=[MEMBER])
member.decline_invitations(AccountIds=[ME, STRANGER])
member.delete_invitations(AccountIds=[ME, STRANGER])
hub.disassociate_members(AccountIds=[MEMBER])

# The organisation, Regions, configuration policies.
management.enable_organization_admin_account(AdminAccountId=ME)
management.list_organization_admin_accounts()
aggregator = hub.create_finding_aggregator(RegionLinkingMode="SPECIFIED_REGIONS", Regions=["eu-west-1"])["FindingAggregatorArn"]
hub.get_finding_aggregator(FindingAggregatorArn=aggregator)
hub.list_finding_aggregators()
hub.update_finding_aggregator(FindingAggregatorArn=aggregator, RegionLinkingMode="ALL_REGIONS")
hub.update_organization_configuration(AutoEnable=False, OrganizationConfiguration={"ConfigurationType": "CENTRAL"})
hub.describe_organization_configuration()
policy = hub.create_configuration_policy(
    Name="p",
    ConfigurationPolicy={
        "SecurityHub": {
            "ServiceEnabled": True, "EnabledStandardIdentifiers": [FSBP],
            "SecurityControlsConfiguration": {
                "DisabledSecurityControlIdentifiers": ["IAM.1"],
                "SecurityControlCustomParameters": [
                    {"SecurityControlId": "ACM.1", "Parameters": {"daysToExpiration": {"ValueType": "CUSTOM", "Value": {"Integer": 45}}}}
                ],
            },
        }
    },
)["Id"]
hub.get_configuration_policy(Identifier=policy)
hub.update_configuration_policy(Identifier=policy, Description="d")
hub.list_configuration_policies()
hub.start_configuration_policy_association(ConfigurationPolicyIdentifier=policy, Target={"AccountId": MEMBER})
hub.get_configuration_policy_association(Target={"AccountId": MEMBER})
hub.list_configuration_policy_associations()
answer = hub.batch_get_configuration_policy_associations(
    ConfigurationPolicyAssociationIdentifiers=[{"Target": {"AccountId": MEMBER}}, {"Target": {"AccountId": STRANGER}}]
)
assert len(answer["ConfigurationPolicyAssociations"]) == len(answer["UnprocessedConfigurationPolicyAssociations"]) == 1, answer
member.describe_hub()
member.get_enabled_standards()
member.batch_get_security_controls(SecurityControlIds=["ACM.1", "IAM.1"])
hub.start_configuration_policy_disassociation(ConfigurationPolicyIdentifier=policy, Target={"AccountId": MEMBER})
hub.delete_configuration_policy(Identifier=policy)
hub.update_organization_configuration(AutoEnable=False, OrganizationConfiguration={"ConfigurationType": "LOCAL"})
hub.delete_finding_aggregator(FindingAggregatorArn=aggregator)
management.disable_organization_admin_account(AdminAccountId=ME)
hub.disable_security_hub()

# A newer boto3 may know operations that hubcap's own model does not have yet.
never = {o for o in hub.meta.service_model.operation_names if not o.endswith("V2")} - set(answered)
print(f"{len(answered)} operations answer as the model says; never asked: {sorted(never)}")
