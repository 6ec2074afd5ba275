# The AWS CLI against a hub: ask who one is, enable, import, read, triage, read the history, subscribe to a product,
# count by an insight, be refused.
product=arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default
hub="aws securityhub --output text"

check() { # what is there, what should be
  [ "$1" = "$2" ] || { echo "got: $1"; echo "want: $2"; exit 1; } >&2
}

check "$(AWS_ENDPOINT_URL_STS=$AWS_ENDPOINT_URL_SECURITYHUB aws sts get-caller-identity --output text --query '[Account,Arn]')" \
  "$(printf '111122223333\tarn:aws:iam::111122223333:user/111122223333')"

$hub enable-security-hub
check "$($hub describe-hub --query HubArn)" arn:aws:securityhub:us-east-1:111122223333:hub/default

check "$($hub batch-import-findings --findings file://docs/examples/finding.json --query '[SuccessCount,FailedCount]')" "$(printf '1\t0')"
check "$($hub get-findings --filters '{"SeverityLabel":[{"Value":"HIGH","Comparison":"EQUALS"}]}' --query 'Findings[].[Id,Workflow.Status,Severity.Normalized]')" \
  "$(printf 'my-first-finding\tNEW\t70')"

check "$($hub batch-update-findings --finding-identifiers "Id=my-first-finding,ProductArn=$product" --workflow Status=RESOLVED \
  --note 'Text=closed the bucket,UpdatedBy=me' --query 'ProcessedFindings[].Id')" my-first-finding
check "$($hub get-findings --filters '{"WorkflowStatus":[{"Value":"RESOLVED","Comparison":"EQUALS"}]}' --query 'Findings[].Note.Text')" "closed the bucket"
check "$($hub get-finding-history --finding-identifier "Id=my-first-finding,ProductArn=$product" \
  --start-time 2026-01-01T00:00:00Z --query "Records[].Updates[?UpdatedField=='Workflow.Status'].[OldValue,NewValue][]")" "$(printf 'NEW\tRESOLVED')"

check "$($hub enable-import-findings-for-product --product-arn arn:aws:securityhub:us-east-1::product/prowler/prowler)" \
  arn:aws:securityhub:us-east-1:111122223333:product-subscription/prowler/prowler
$hub disable-import-findings-for-product --product-subscription-arn arn:aws:securityhub:us-east-1:111122223333:product-subscription/prowler/prowler

arn=$($hub create-insight --name "by severity" --group-by-attribute SeverityLabel \
  --filters '{"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}]}' --query InsightArn)
check "$($hub get-insight-results --insight-arn "$arn" --query 'InsightResults.ResultValues[].[GroupByAttributeValue,Count]')" "$(printf 'HIGH\t1')"
$hub update-insight --insight-arn "$arn" --group-by-attribute ResourceType
check "$($hub get-insights --query 'Insights[].[Name,GroupByAttribute]')" "$(printf 'by severity\tResourceType')"
check "$($hub delete-insight --insight-arn "$arn" --query InsightArn)" "$arn"
check "$($hub get-insights --query 'Insights')" ""

refused=$(aws securityhub get-resources-v2 2>&1 || true)
case $refused in *NotImplementedException*GetResourcesV2*) ;; *) echo "GetResourcesV2: $refused" >&2; exit 1 ;; esac
echo "round trip done"
