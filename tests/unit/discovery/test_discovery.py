"""Functions found in the files of other tools, written as those tools' users write them."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from lambdapack.discovery import FoundFunction, discover

SAM = """
    AWSTemplateFormatVersion: "2010-09-09"
    Transform: AWS::Serverless-2016-10-31
    Parameters:
      Architecture: {Type: String, Default: arm64}
    Globals:
      Function:
        Runtime: python3.12
        Timeout: 3
    Resources:
      ApiFunction:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: api/
          Handler: app.lambda_handler
          Architectures: [!Ref Architecture]
          Environment:
            Variables:
              TABLE: !GetAtt Table.Arn
              URL: !Sub "https://${Api}.execute-api.${AWS::Region}.amazonaws.com"
      NodeFunction:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: web/, Handler: index.handler, Runtime: nodejs22.x}
      Shared:
        Type: AWS::Serverless::LayerVersion
        Properties: {ContentUri: layer/}
      Remote:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: s3://bucket/key.zip
          Handler: !Ref Unknown
      Table: {Type: AWS::DynamoDB::Table}
      Inline:
        Type: AWS::Serverless::Function
        Properties: {InlineCode: "def handler(event, context): ...", Handler: index.handler}
      Written:
        Type: AWS::Lambda::Function
        Properties: {Code: {ZipFile: "x = 1"}, Handler: index.handler, Runtime: python3.13}
"""
SERVERLESS = """
    service: shop
    provider:
      name: aws
      runtime: python3.13
      architecture: arm64
    functions:
      orders:
        handler: src/orders/app.handler
        events: [{httpApi: "GET /orders"}]
      old:
        handler: old.main
        runtime: python3.11
        architecture: x86_64
        module: old
      web:
        handler: web.handler
        runtime: nodejs22.x
"""
TERRAFORM = """
    variable "runtime" {
      default = "python3.12"
    }
    locals {
      arch = ["arm64"]
    }
    data "archive_file" "code" {
      type        = "zip"
      source_dir  = "${path.module}/src"
      output_path = "${path.module}/build/code.zip"
    }
    resource "aws_lambda_function" "api" {
      function_name    = "shop-${var.stage}-api"
      filename         = data.archive_file.code.output_path
      source_code_hash = data.archive_file.code.output_base64sha256
      handler          = "app.handler"
      runtime          = var.runtime
      architectures    = local.arch
    }
    resource "aws_lambda_function" "node" {
      handler = "index.handler"
      runtime = "nodejs22.x"
    }
    module "jobs" {
      source      = "terraform-aws-modules/lambda/aws"
      source_path = "${path.module}/jobs"
      handler     = "index.handler"
      runtime     = "python3.13"
    }
"""


def repository(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder.resolve()


def known(found: FoundFunction, folder: Path) -> tuple[object, ...]:
    source = found.source.relative_to(folder).as_posix() if found.source else None
    return (found.name, found.handler, found.runtime, found.architecture, source)


def test_sam(tmp_path: Path) -> None:
    root = repository(tmp_path, {"template.yaml": SAM, "api/app.py": "", "layer/x.py": "", "web/index.js": ""})
    api, shared, remote = discover(root)
    assert known(api, root) == ("ApiFunction", "app.lambda_handler", "python3.12", "arm64", "api")
    assert (shared.name, shared.layer, shared.source) == ("Shared", True, root / "layer")
    assert (remote.handler, remote.source) == (None, None)


@pytest.mark.parametrize(
    ("original", "source"), [({}, "cdk.out/asset.abc"), ({"aws:asset:original-path": "api"}, "api")]
)
def test_what_cdk_has_written(tmp_path: Path, original: dict[str, str], source: str) -> None:
    template = {
        "Resources": {
            "Api123": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}"}, "S3Key": "abc.zip"},
                    "Handler": "app.handler",
                    "Runtime": "python3.13",
                },
                "Metadata": {"aws:asset:path": "asset.abc", **original},
            }
        }
    }
    stack = {"cdk.out/Stack.template.json": json.dumps(template), "cdk.out/asset.abc/app.py": "", "api/app.py": ""}
    root = repository(tmp_path, stack)
    (api,) = discover(root)
    assert known(api, root) == ("Api123", "app.handler", "python3.13", None, source)


def test_serverless(tmp_path: Path) -> None:
    root = repository(tmp_path, {"serverless.yml": SERVERLESS, "src/orders/app.py": "", "old/old.py": ""})
    orders, old = discover(root)
    assert known(orders, root) == ("orders", "src.orders.app.handler", "python3.13", "arm64", ".")
    assert known(old, root) == ("old", "old.main", "python3.11", "x86_64", "old")


def test_serverless_of_another_cloud(tmp_path: Path) -> None:
    other = "provider: {name: google, runtime: python311}\nfunctions: {first: {handler: http}}\n"
    assert discover(repository(tmp_path, {"serverless.yml": other})) == ()


@pytest.mark.parametrize("place", ["", "infra/"])
def test_terraform(tmp_path: Path, place: str) -> None:
    files = {f"{place}main.tf": TERRAFORM, f"{place}src/app.py": "", f"{place}jobs/index.py": ""}
    root = repository(tmp_path, files)
    api, jobs = discover(root)
    assert known(api, root) == ("api", "app.handler", "python3.12", "arm64", f"{place}src")
    assert known(jobs, root) == ("jobs", "index.handler", "python3.13", None, f"{place}jobs")


def test_code(tmp_path: Path) -> None:
    handler = "import json\n\n\ndef lambda_handler(event: dict, context: object) -> None: ...\n"
    files = {
        "functions/orders/app.py": handler,
        "functions/stock/app.py": handler.replace("lambda_handler", "handler"),
        "tests/app.py": handler,
        ".venv/lib/app.py": handler,
        "functions/orders/other.py": "def event_handler(event): ...\n",
    }
    root = repository(tmp_path, files)
    found = [known(item, root) for item in discover(root)]
    assert found == [
        ("orders", "app.lambda_handler", None, None, "functions/orders"),
        ("stock", "app.handler", None, None, "functions/stock"),
    ]


@pytest.mark.parametrize("name", ["template.yaml", "serverless.yml", "main.tf", "cdk.out/x.template.json"])
@pytest.mark.parametrize("text", ["", "{", "- a\n- b\n", "a: !Unknown [1, {b: 2}]\n", "\x00\x01"])
def test_files_that_make_no_sense_hold_nothing(tmp_path: Path, name: str, text: str) -> None:
    assert discover(repository(tmp_path, {name: text})) == ()
