package asff

// Top is a top-level member of a finding that the format knows, in the service model's order (D55).
type Top uint8

// The top-level members.
//
//nolint:revive // the names are the API's, to the letter
const (
	TopSchemaVersion Top = iota
	TopId
	TopProductArn
	TopProductName
	TopCompanyName
	TopRegion
	TopGeneratorId
	TopAwsAccountId
	TopTypes
	TopFirstObservedAt
	TopLastObservedAt
	TopCreatedAt
	TopUpdatedAt
	TopSeverity
	TopConfidence
	TopCriticality
	TopTitle
	TopDescription
	TopRemediation
	TopSourceUrl
	TopProductFields
	TopUserDefinedFields
	TopMalware
	TopNetwork
	TopNetworkPath
	TopProcess
	TopThreats
	TopThreatIntelIndicators
	TopResources
	TopCompliance
	TopVerificationState
	TopWorkflowState
	TopWorkflow
	TopRecordState
	TopRelatedFindings
	TopNote
	TopVulnerabilities
	TopPatchSummary
	TopAction
	TopFindingProviderFields
	TopSample
	TopGeneratorDetails
	TopProcessedAt
	TopAwsAccountName
	TopDetection
	numTops
)

var topNames = [numTops]string{
	TopSchemaVersion:         "SchemaVersion",
	TopId:                    "Id",
	TopProductArn:            "ProductArn",
	TopProductName:           "ProductName",
	TopCompanyName:           "CompanyName",
	TopRegion:                "Region",
	TopGeneratorId:           "GeneratorId",
	TopAwsAccountId:          "AwsAccountId",
	TopTypes:                 "Types",
	TopFirstObservedAt:       "FirstObservedAt",
	TopLastObservedAt:        "LastObservedAt",
	TopCreatedAt:             "CreatedAt",
	TopUpdatedAt:             "UpdatedAt",
	TopSeverity:              "Severity",
	TopConfidence:            "Confidence",
	TopCriticality:           "Criticality",
	TopTitle:                 "Title",
	TopDescription:           "Description",
	TopRemediation:           "Remediation",
	TopSourceUrl:             "SourceUrl",
	TopProductFields:         "ProductFields",
	TopUserDefinedFields:     "UserDefinedFields",
	TopMalware:               "Malware",
	TopNetwork:               "Network",
	TopNetworkPath:           "NetworkPath",
	TopProcess:               "Process",
	TopThreats:               "Threats",
	TopThreatIntelIndicators: "ThreatIntelIndicators",
	TopResources:             "Resources",
	TopCompliance:            "Compliance",
	TopVerificationState:     "VerificationState",
	TopWorkflowState:         "WorkflowState",
	TopWorkflow:              "Workflow",
	TopRecordState:           "RecordState",
	TopRelatedFindings:       "RelatedFindings",
	TopNote:                  "Note",
	TopVulnerabilities:       "Vulnerabilities",
	TopPatchSummary:          "PatchSummary",
	TopAction:                "Action",
	TopFindingProviderFields: "FindingProviderFields",
	TopSample:                "Sample",
	TopGeneratorDetails:      "GeneratorDetails",
	TopProcessedAt:           "ProcessedAt",
	TopAwsAccountName:        "AwsAccountName",
	TopDetection:             "Detection",
}

// Name is the member's name as the API writes it.
func (t Top) Name() string {
	if t >= numTops {
		return ""
	}
	return topNames[t]
}

// span is a range of bytes; the zero span is none.
type span struct{ from, to uint32 }

// Members tells where the top-level members of one canonical document lie.
type Members struct {
	at      [numTops]span
	unknown span
}

// Has tells whether the document has the member.
func (m *Members) Has(t Top) bool { return m.at[t].to != 0 }

// Get is the JSON value of a top-level member of the document that m was made of, or nil where it is absent.
func (m *Members) Get(doc []byte, t Top) []byte {
	s := m.at[t]
	if s.to == 0 {
		return nil
	}
	return doc[s.from:s.to:s.to]
}

// Unknown is what follows the members the format knows, ready to stand in an object: "name":value,"name":value in the order
// sent, without a comma before or after. nil where there is nothing.
func (m *Members) Unknown(doc []byte) []byte {
	s := m.unknown
	if s.to == 0 {
		return nil
	}
	return doc[s.from:s.to:s.to]
}
