# Every resource of Terraform's AWS provider for the first version of Security Hub: account 111122223333 administers the organisation of
# 444455556666, and invites 777788889999, which is not of it. With second = true everything that can be changed in place is changed.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "second" {
  type    = bool
  default = false
}

provider "aws" {
  region     = "us-east-1"
  access_key = "111122223333"
  secret_key = "any"
  endpoints {
    securityhub = var.endpoint
    sts         = var.endpoint
  }
}
provider "aws" {
  alias      = "management"
  region     = "us-east-1"
  access_key = "444455556666"
  secret_key = "any"
  endpoints {
    securityhub = var.endpoint
    sts         = var.endpoint
  }
}
provider "aws" {
  alias      = "outsider"
  region     = "us-east-1"
  access_key = "777788889999"
  secret_key = "any"
  endpoints {
    securityhub = var.endpoint
    sts         = var.endpoint
  }
}

resource "aws_securityhub_organization_admin_account" "it" {
  provider         = aws.management
  admin_account_id = "111122223333"
  depends_on       = [aws_securityhub_account.it]
}
resource "aws_securityhub_account" "it" {
  enable_default_standards  = false
  control_finding_generator = var.second ? "STANDARD_CONTROL" : "SECURITY_CONTROL"
  auto_enable_controls      = var.second
}
resource "aws_securityhub_account" "outsider" {
  provider                 = aws.outsider
  enable_default_standards = false
}
resource "aws_securityhub_product_subscription" "it" {
  product_arn = "arn:aws:securityhub:us-east-1::product/prowler/prowler"
  depends_on  = [aws_securityhub_account.it]
}
resource "aws_securityhub_action_target" "it" {
  name        = var.second ? "Call" : "Page"
  identifier  = "OnDuty"
  description = var.second ? "Calls who is on duty" : "Pages who is on duty"
  depends_on  = [aws_securityhub_account.it]
}
resource "aws_securityhub_insight" "it" {
  name               = var.second ? "by resource" : "by account"
  group_by_attribute = var.second ? "ResourceId" : "AwsAccountId"
  filters {
    aws_account_id {
      comparison = "EQUALS"
      value      = "111122223333"
    }
    severity_label {
      comparison = "EQUALS"
      value      = "CRITICAL"
    }
    severity_label {
      comparison = "EQUALS"
      value      = "HIGH"
    }
    created_at {
      date_range {
        unit  = "DAYS"
        value = 5
      }
    }
    updated_at {
      start = "2026-01-01T00:00:00Z"
      end   = "2026-12-31T00:00:00Z"
    }
    network_destination_ipv4 {
      cidr = "10.0.0.0/16"
    }
    criticality {
      gte = "80"
    }
    confidence {
      eq = "50.5"
    }
    resource_tags {
      comparison = "EQUALS"
      key        = "Environment"
      value      = "Production"
    }
    keyword {
      value = "bucket"
    }
  }
  depends_on = [aws_securityhub_account.it]
}
resource "aws_securityhub_automation_rule" "it" {
  description = "Elevates findings of important buckets"
  rule_name   = var.second ? "elevate more" : "elevate"
  rule_order  = var.second ? 2 : 1
  is_terminal = var.second
  rule_status = var.second ? "DISABLED" : "ENABLED"
  actions {
    finding_fields_update {
      severity {
        label   = "CRITICAL"
        product = "0.0"
      }
      note {
        text       = "This is a critical resource"
        updated_by = "sechub-automation"
      }
      types = ["Software and Configuration Checks/Industry and Regulatory Standards"]
      user_defined_fields = {
        key = "value"
      }
      verification_state = "TRUE_POSITIVE"
      confidence         = 20
      criticality        = 30
      workflow {
        status = "NOTIFIED"
      }
      related_findings {
        id          = "arn:aws:securityhub:us-east-1:111122223333:finding/one"
        product_arn = "arn:aws:securityhub:us-east-1::product/aws/securityhub"
      }
    }
    type = "FINDING_FIELDS_UPDATE"
  }
  criteria {
    resource_id {
      comparison = "EQUALS"
      value      = "arn:aws:s3:::examplebucket/*"
    }
    confidence {
      gte = 1
      lte = 9
    }
    created_at {
      date_range {
        unit  = "DAYS"
        value = 5
      }
    }
    user_defined_fields {
      comparison = "EQUALS"
      key        = "key"
      value      = "value"
    }
  }
  tags       = var.second ? { key1 = "other" } : { key1 = "value1", key2 = "value2" }
  depends_on = [aws_securityhub_account.it]
}
resource "aws_securityhub_finding_aggregator" "it" {
  linking_mode      = var.second ? "SPECIFIED_REGIONS" : "ALL_REGIONS_EXCEPT_SPECIFIED"
  specified_regions = var.second ? ["eu-west-3"] : ["eu-west-1", "eu-west-2"]
  depends_on        = [aws_securityhub_organization_admin_account.it]
}
resource "aws_securityhub_member" "it" {
  account_id = "777788889999"
  email      = "outsider@example.com"
  invite     = true
  depends_on = [aws_securityhub_account.it, aws_securityhub_organization_admin_account.it]
}
resource "aws_securityhub_invite_accepter" "it" {
  provider   = aws.outsider
  master_id  = aws_securityhub_member.it.master_id
  depends_on = [aws_securityhub_account.outsider]
}
resource "aws_securityhub_standards_subscription" "it" {
  standards_arn = "arn:aws:securityhub:us-east-1::standards/pci-dss/v/3.2.1"
  depends_on    = [aws_securityhub_account.it]
}
resource "aws_securityhub_standards_subscription" "cis" {
  standards_arn = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"
  depends_on    = [aws_securityhub_account.it]
}
resource "aws_securityhub_standards_control" "it" {
  standards_control_arn = "arn:aws:securityhub:us-east-1:111122223333:control/cis-aws-foundations-benchmark/v/1.2.0/1.10"
  control_status        = var.second ? "ENABLED" : "DISABLED"
  disabled_reason       = var.second ? null : "We handle password policies elsewhere"
  depends_on            = [aws_securityhub_standards_subscription.cis]
}
resource "aws_securityhub_standards_control_association" "it" {
  standards_arn       = aws_securityhub_standards_subscription.cis.standards_arn
  security_control_id = "IAM.1"
  association_status  = var.second ? "ENABLED" : "DISABLED"
  updated_reason      = var.second ? "needed again" : "not needed"
}
data "aws_securityhub_standards_control_associations" "it" {
  security_control_id = "IAM.1"
  depends_on          = [aws_securityhub_standards_control_association.it, aws_securityhub_standards_subscription.it]
}
resource "aws_securityhub_organization_configuration" "it" {
  auto_enable           = false
  auto_enable_standards = "NONE"
  organization_configuration {
    configuration_type = "CENTRAL"
  }
  depends_on = [aws_securityhub_finding_aggregator.it, aws_securityhub_organization_admin_account.it]
}
resource "aws_securityhub_configuration_policy" "it" {
  name        = var.second ? "renamed" : "example"
  description = "An example"
  configuration_policy {
    service_enabled       = true
    enabled_standard_arns = ["arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0", "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"]
    security_controls_configuration {
      disabled_control_identifiers = var.second ? ["IAM.3"] : []
      security_control_custom_parameter {
        security_control_id = "ACM.1"
        parameter {
          name       = "daysToExpiration"
          value_type = "CUSTOM"
          int {
            value = 45
          }
        }
      }
      security_control_custom_parameter {
        security_control_id = "APIGateway.1"
        parameter {
          name       = "loggingLevel"
          value_type = "CUSTOM"
          enum {
            value = "INFO"
          }
        }
      }
    }
  }
  depends_on = [aws_securityhub_organization_configuration.it]
}
resource "aws_securityhub_configuration_policy" "off" {
  name = "off"
  configuration_policy {
    service_enabled = false
  }
  depends_on = [aws_securityhub_organization_configuration.it]
}
resource "aws_securityhub_configuration_policy_association" "it" {
  target_id = "222233334444"
  policy_id = var.second ? aws_securityhub_configuration_policy.off.id : aws_securityhub_configuration_policy.it.id
}
resource "aws_securityhub_configuration_policy_association" "unit" {
  target_id = "ou-abcd-12345678"
  policy_id = aws_securityhub_configuration_policy.it.id
}
output "associations" {
  value = data.aws_securityhub_standards_control_associations.it.standards_control_associations
}
