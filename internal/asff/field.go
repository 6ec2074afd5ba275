package asff

import "strings"

// Field is a filterable attribute of a finding: one of the 104 members of AwsSecurityFindingFilters, in their order. The zero
// Field is none.
type Field uint8

// NoField is no attribute.
const NoField Field = 0

// The filterable attributes, named after the API's.
//
//nolint:revive // the names are the API's, to the letter
const (
	_ Field = iota
	FieldAwsAccountId
	FieldAwsAccountName
	FieldCompanyName
	FieldComplianceAssociatedStandardsId
	FieldComplianceSecurityControlId
	FieldComplianceSecurityControlParametersName
	FieldComplianceSecurityControlParametersValue
	FieldComplianceStatus
	FieldConfidence
	FieldCreatedAt
	FieldCriticality
	FieldDescription
	FieldFindingProviderFieldsConfidence
	FieldFindingProviderFieldsCriticality
	FieldFindingProviderFieldsRelatedFindingsId
	FieldFindingProviderFieldsRelatedFindingsProductArn
	FieldFindingProviderFieldsSeverityLabel
	FieldFindingProviderFieldsSeverityOriginal
	FieldFindingProviderFieldsTypes
	FieldFirstObservedAt
	FieldGeneratorId
	FieldId
	FieldKeyword
	FieldLastObservedAt
	FieldMalwareName
	FieldMalwarePath
	FieldMalwareState
	FieldMalwareType
	FieldNetworkDestinationDomain
	FieldNetworkDestinationIpV4
	FieldNetworkDestinationIpV6
	FieldNetworkDestinationPort
	FieldNetworkDirection
	FieldNetworkProtocol
	FieldNetworkSourceDomain
	FieldNetworkSourceIpV4
	FieldNetworkSourceIpV6
	FieldNetworkSourceMac
	FieldNetworkSourcePort
	FieldNoteText
	FieldNoteUpdatedAt
	FieldNoteUpdatedBy
	FieldProcessLaunchedAt
	FieldProcessName
	FieldProcessParentPid
	FieldProcessPath
	FieldProcessPid
	FieldProcessTerminatedAt
	FieldProductArn
	FieldProductFields
	FieldProductName
	FieldRecommendationText
	FieldRecordState
	FieldRegion
	FieldRelatedFindingsId
	FieldRelatedFindingsProductArn
	FieldResourceApplicationArn
	FieldResourceApplicationName
	FieldResourceAwsEc2InstanceIamInstanceProfileArn
	FieldResourceAwsEc2InstanceImageId
	FieldResourceAwsEc2InstanceIpV4Addresses
	FieldResourceAwsEc2InstanceIpV6Addresses
	FieldResourceAwsEc2InstanceKeyName
	FieldResourceAwsEc2InstanceLaunchedAt
	FieldResourceAwsEc2InstanceSubnetId
	FieldResourceAwsEc2InstanceType
	FieldResourceAwsEc2InstanceVpcId
	FieldResourceAwsIamAccessKeyCreatedAt
	FieldResourceAwsIamAccessKeyPrincipalName
	FieldResourceAwsIamAccessKeyStatus
	FieldResourceAwsIamAccessKeyUserName
	FieldResourceAwsIamUserUserName
	FieldResourceAwsS3BucketOwnerId
	FieldResourceAwsS3BucketOwnerName
	FieldResourceContainerImageId
	FieldResourceContainerImageName
	FieldResourceContainerLaunchedAt
	FieldResourceContainerName
	FieldResourceDetailsOther
	FieldResourceId
	FieldResourcePartition
	FieldResourceRegion
	FieldResourceTags
	FieldResourceType
	FieldSample
	FieldSeverityLabel
	FieldSeverityNormalized
	FieldSeverityProduct
	FieldSourceUrl
	FieldThreatIntelIndicatorCategory
	FieldThreatIntelIndicatorLastObservedAt
	FieldThreatIntelIndicatorSource
	FieldThreatIntelIndicatorSourceUrl
	FieldThreatIntelIndicatorType
	FieldThreatIntelIndicatorValue
	FieldTitle
	FieldType
	FieldUpdatedAt
	FieldUserDefinedFields
	FieldVerificationState
	FieldVulnerabilitiesExploitAvailable
	FieldVulnerabilitiesFixAvailable
	FieldWorkflowState
	FieldWorkflowStatus
	numFields
)

// FieldKind tells which filter shape an attribute takes.
type FieldKind uint8

// The filter shapes.
const (
	KindString FieldKind = iota
	KindNumber
	KindDate
	KindIP
	KindMap
	KindBool
	KindKeyword
)

// fields says what each attribute reads. A path names members from the finding down, with [] for the elements of a list and {}
// for the values of a map. Keyword reads nothing of its own: it looks through the string attributes (D31). ProductName and
// CompanyName read the top-level members, not ProductFields (D31).
var fields = [numFields]struct {
	name string
	kind FieldKind
	path string
}{
	FieldAwsAccountId:                                   {"AwsAccountId", KindString, "AwsAccountId"},
	FieldAwsAccountName:                                 {"AwsAccountName", KindString, "AwsAccountName"},
	FieldCompanyName:                                    {"CompanyName", KindString, "CompanyName"},
	FieldComplianceAssociatedStandardsId:                {"ComplianceAssociatedStandardsId", KindString, "Compliance.AssociatedStandards[].StandardsId"},
	FieldComplianceSecurityControlId:                    {"ComplianceSecurityControlId", KindString, "Compliance.SecurityControlId"},
	FieldComplianceSecurityControlParametersName:        {"ComplianceSecurityControlParametersName", KindString, "Compliance.SecurityControlParameters[].Name"},
	FieldComplianceSecurityControlParametersValue:       {"ComplianceSecurityControlParametersValue", KindString, "Compliance.SecurityControlParameters[].Value[]"},
	FieldComplianceStatus:                               {"ComplianceStatus", KindString, "Compliance.Status"},
	FieldConfidence:                                     {"Confidence", KindNumber, "Confidence"},
	FieldCreatedAt:                                      {"CreatedAt", KindDate, "CreatedAt"},
	FieldCriticality:                                    {"Criticality", KindNumber, "Criticality"},
	FieldDescription:                                    {"Description", KindString, "Description"},
	FieldFindingProviderFieldsConfidence:                {"FindingProviderFieldsConfidence", KindNumber, "FindingProviderFields.Confidence"},
	FieldFindingProviderFieldsCriticality:               {"FindingProviderFieldsCriticality", KindNumber, "FindingProviderFields.Criticality"},
	FieldFindingProviderFieldsRelatedFindingsId:         {"FindingProviderFieldsRelatedFindingsId", KindString, "FindingProviderFields.RelatedFindings[].Id"},
	FieldFindingProviderFieldsRelatedFindingsProductArn: {"FindingProviderFieldsRelatedFindingsProductArn", KindString, "FindingProviderFields.RelatedFindings[].ProductArn"},
	FieldFindingProviderFieldsSeverityLabel:             {"FindingProviderFieldsSeverityLabel", KindString, "FindingProviderFields.Severity.Label"},
	FieldFindingProviderFieldsSeverityOriginal:          {"FindingProviderFieldsSeverityOriginal", KindString, "FindingProviderFields.Severity.Original"},
	FieldFindingProviderFieldsTypes:                     {"FindingProviderFieldsTypes", KindString, "FindingProviderFields.Types[]"},
	FieldFirstObservedAt:                                {"FirstObservedAt", KindDate, "FirstObservedAt"},
	FieldGeneratorId:                                    {"GeneratorId", KindString, "GeneratorId"},
	FieldId:                                             {"Id", KindString, "Id"},
	FieldKeyword:                                        {"Keyword", KindKeyword, ""},
	FieldLastObservedAt:                                 {"LastObservedAt", KindDate, "LastObservedAt"},
	FieldMalwareName:                                    {"MalwareName", KindString, "Malware[].Name"},
	FieldMalwarePath:                                    {"MalwarePath", KindString, "Malware[].Path"},
	FieldMalwareState:                                   {"MalwareState", KindString, "Malware[].State"},
	FieldMalwareType:                                    {"MalwareType", KindString, "Malware[].Type"},
	FieldNetworkDestinationDomain:                       {"NetworkDestinationDomain", KindString, "Network.DestinationDomain"},
	FieldNetworkDestinationIpV4:                         {"NetworkDestinationIpV4", KindIP, "Network.DestinationIpV4"},
	FieldNetworkDestinationIpV6:                         {"NetworkDestinationIpV6", KindIP, "Network.DestinationIpV6"},
	FieldNetworkDestinationPort:                         {"NetworkDestinationPort", KindNumber, "Network.DestinationPort"},
	FieldNetworkDirection:                               {"NetworkDirection", KindString, "Network.Direction"},
	FieldNetworkProtocol:                                {"NetworkProtocol", KindString, "Network.Protocol"},
	FieldNetworkSourceDomain:                            {"NetworkSourceDomain", KindString, "Network.SourceDomain"},
	FieldNetworkSourceIpV4:                              {"NetworkSourceIpV4", KindIP, "Network.SourceIpV4"},
	FieldNetworkSourceIpV6:                              {"NetworkSourceIpV6", KindIP, "Network.SourceIpV6"},
	FieldNetworkSourceMac:                               {"NetworkSourceMac", KindString, "Network.SourceMac"},
	FieldNetworkSourcePort:                              {"NetworkSourcePort", KindNumber, "Network.SourcePort"},
	FieldNoteText:                                       {"NoteText", KindString, "Note.Text"},
	FieldNoteUpdatedAt:                                  {"NoteUpdatedAt", KindDate, "Note.UpdatedAt"},
	FieldNoteUpdatedBy:                                  {"NoteUpdatedBy", KindString, "Note.UpdatedBy"},
	FieldProcessLaunchedAt:                              {"ProcessLaunchedAt", KindDate, "Process.LaunchedAt"},
	FieldProcessName:                                    {"ProcessName", KindString, "Process.Name"},
	FieldProcessParentPid:                               {"ProcessParentPid", KindNumber, "Process.ParentPid"},
	FieldProcessPath:                                    {"ProcessPath", KindString, "Process.Path"},
	FieldProcessPid:                                     {"ProcessPid", KindNumber, "Process.Pid"},
	FieldProcessTerminatedAt:                            {"ProcessTerminatedAt", KindDate, "Process.TerminatedAt"},
	FieldProductArn:                                     {"ProductArn", KindString, "ProductArn"},
	FieldProductFields:                                  {"ProductFields", KindMap, "ProductFields{}"},
	FieldProductName:                                    {"ProductName", KindString, "ProductName"},
	FieldRecommendationText:                             {"RecommendationText", KindString, "Remediation.Recommendation.Text"},
	FieldRecordState:                                    {"RecordState", KindString, "RecordState"},
	FieldRegion:                                         {"Region", KindString, "Region"},
	FieldRelatedFindingsId:                              {"RelatedFindingsId", KindString, "RelatedFindings[].Id"},
	FieldRelatedFindingsProductArn:                      {"RelatedFindingsProductArn", KindString, "RelatedFindings[].ProductArn"},
	FieldResourceApplicationArn:                         {"ResourceApplicationArn", KindString, "Resources[].ApplicationArn"},
	FieldResourceApplicationName:                        {"ResourceApplicationName", KindString, "Resources[].ApplicationName"},
	FieldResourceAwsEc2InstanceIamInstanceProfileArn:    {"ResourceAwsEc2InstanceIamInstanceProfileArn", KindString, "Resources[].Details.AwsEc2Instance.IamInstanceProfileArn"},
	FieldResourceAwsEc2InstanceImageId:                  {"ResourceAwsEc2InstanceImageId", KindString, "Resources[].Details.AwsEc2Instance.ImageId"},
	FieldResourceAwsEc2InstanceIpV4Addresses:            {"ResourceAwsEc2InstanceIpV4Addresses", KindIP, "Resources[].Details.AwsEc2Instance.IpV4Addresses[]"},
	FieldResourceAwsEc2InstanceIpV6Addresses:            {"ResourceAwsEc2InstanceIpV6Addresses", KindIP, "Resources[].Details.AwsEc2Instance.IpV6Addresses[]"},
	FieldResourceAwsEc2InstanceKeyName:                  {"ResourceAwsEc2InstanceKeyName", KindString, "Resources[].Details.AwsEc2Instance.KeyName"},
	FieldResourceAwsEc2InstanceLaunchedAt:               {"ResourceAwsEc2InstanceLaunchedAt", KindDate, "Resources[].Details.AwsEc2Instance.LaunchedAt"},
	FieldResourceAwsEc2InstanceSubnetId:                 {"ResourceAwsEc2InstanceSubnetId", KindString, "Resources[].Details.AwsEc2Instance.SubnetId"},
	FieldResourceAwsEc2InstanceType:                     {"ResourceAwsEc2InstanceType", KindString, "Resources[].Details.AwsEc2Instance.Type"},
	FieldResourceAwsEc2InstanceVpcId:                    {"ResourceAwsEc2InstanceVpcId", KindString, "Resources[].Details.AwsEc2Instance.VpcId"},
	FieldResourceAwsIamAccessKeyCreatedAt:               {"ResourceAwsIamAccessKeyCreatedAt", KindDate, "Resources[].Details.AwsIamAccessKey.CreatedAt"},
	FieldResourceAwsIamAccessKeyPrincipalName:           {"ResourceAwsIamAccessKeyPrincipalName", KindString, "Resources[].Details.AwsIamAccessKey.PrincipalName"},
	FieldResourceAwsIamAccessKeyStatus:                  {"ResourceAwsIamAccessKeyStatus", KindString, "Resources[].Details.AwsIamAccessKey.Status"},
	FieldResourceAwsIamAccessKeyUserName:                {"ResourceAwsIamAccessKeyUserName", KindString, "Resources[].Details.AwsIamAccessKey.UserName"},
	FieldResourceAwsIamUserUserName:                     {"ResourceAwsIamUserUserName", KindString, "Resources[].Details.AwsIamUser.UserName"},
	FieldResourceAwsS3BucketOwnerId:                     {"ResourceAwsS3BucketOwnerId", KindString, "Resources[].Details.AwsS3Bucket.OwnerId"},
	FieldResourceAwsS3BucketOwnerName:                   {"ResourceAwsS3BucketOwnerName", KindString, "Resources[].Details.AwsS3Bucket.OwnerName"},
	FieldResourceContainerImageId:                       {"ResourceContainerImageId", KindString, "Resources[].Details.Container.ImageId"},
	FieldResourceContainerImageName:                     {"ResourceContainerImageName", KindString, "Resources[].Details.Container.ImageName"},
	FieldResourceContainerLaunchedAt:                    {"ResourceContainerLaunchedAt", KindDate, "Resources[].Details.Container.LaunchedAt"},
	FieldResourceContainerName:                          {"ResourceContainerName", KindString, "Resources[].Details.Container.Name"},
	FieldResourceDetailsOther:                           {"ResourceDetailsOther", KindMap, "Resources[].Details.Other{}"},
	FieldResourceId:                                     {"ResourceId", KindString, "Resources[].Id"},
	FieldResourcePartition:                              {"ResourcePartition", KindString, "Resources[].Partition"},
	FieldResourceRegion:                                 {"ResourceRegion", KindString, "Resources[].Region"},
	FieldResourceTags:                                   {"ResourceTags", KindMap, "Resources[].Tags{}"},
	FieldResourceType:                                   {"ResourceType", KindString, "Resources[].Type"},
	FieldSample:                                         {"Sample", KindBool, "Sample"},
	FieldSeverityLabel:                                  {"SeverityLabel", KindString, "Severity.Label"},
	FieldSeverityNormalized:                             {"SeverityNormalized", KindNumber, "Severity.Normalized"},
	FieldSeverityProduct:                                {"SeverityProduct", KindNumber, "Severity.Product"},
	FieldSourceUrl:                                      {"SourceUrl", KindString, "SourceUrl"},
	FieldThreatIntelIndicatorCategory:                   {"ThreatIntelIndicatorCategory", KindString, "ThreatIntelIndicators[].Category"},
	FieldThreatIntelIndicatorLastObservedAt:             {"ThreatIntelIndicatorLastObservedAt", KindDate, "ThreatIntelIndicators[].LastObservedAt"},
	FieldThreatIntelIndicatorSource:                     {"ThreatIntelIndicatorSource", KindString, "ThreatIntelIndicators[].Source"},
	FieldThreatIntelIndicatorSourceUrl:                  {"ThreatIntelIndicatorSourceUrl", KindString, "ThreatIntelIndicators[].SourceUrl"},
	FieldThreatIntelIndicatorType:                       {"ThreatIntelIndicatorType", KindString, "ThreatIntelIndicators[].Type"},
	FieldThreatIntelIndicatorValue:                      {"ThreatIntelIndicatorValue", KindString, "ThreatIntelIndicators[].Value"},
	FieldTitle:                                          {"Title", KindString, "Title"},
	FieldType:                                           {"Type", KindString, "Types[]"},
	FieldUpdatedAt:                                      {"UpdatedAt", KindDate, "UpdatedAt"},
	FieldUserDefinedFields:                              {"UserDefinedFields", KindMap, "UserDefinedFields{}"},
	FieldVerificationState:                              {"VerificationState", KindString, "VerificationState"},
	FieldVulnerabilitiesExploitAvailable:                {"VulnerabilitiesExploitAvailable", KindString, "Vulnerabilities[].ExploitAvailable"},
	FieldVulnerabilitiesFixAvailable:                    {"VulnerabilitiesFixAvailable", KindString, "Vulnerabilities[].FixAvailable"},
	FieldWorkflowState:                                  {"WorkflowState", KindString, "WorkflowState"},
	FieldWorkflowStatus:                                 {"WorkflowStatus", KindString, "Workflow.Status"},
}

var fieldNames = func() map[string]Field {
	m := make(map[string]Field, numFields)
	for f := Field(1); f < numFields; f++ {
		m[fields[f].name] = f
	}
	return m
}()

// FieldByName finds an attribute by the API's name, in its exact case.
func FieldByName(name string) (Field, bool) {
	f, ok := fieldNames[name]
	return f, ok
}

// Fields lists all attributes in the API's order.
func Fields() []Field {
	all := make([]Field, 0, numFields-1)
	for f := Field(1); f < numFields; f++ {
		all = append(all, f)
	}
	return all
}

// Name is the API's name of the attribute, "" for NoField.
func (f Field) Name() string {
	if f >= numFields {
		return ""
	}
	return fields[f].name
}

// String is Name.
func (f Field) String() string { return f.Name() }

// Kind is the filter shape of the attribute.
func (f Field) Kind() FieldKind {
	if f >= numFields {
		return KindString
	}
	return fields[f].kind
}

// List tells whether one finding may have several values of the attribute: it reads below a list, or a map.
func (f Field) List() bool { return strings.ContainsAny(f.Path(), "[{") }

// Path says what the attribute reads: "Resources[].Details.AwsEc2Instance.Type"; map attributes end in {}. Keyword's is empty.
func (f Field) Path() string {
	if f >= numFields {
		return ""
	}
	return fields[f].path
}
