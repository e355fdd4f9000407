"""What comes from npm: AWS's runtime client and SDK for Node, LocalStack's Kinesis, serverless-offline, and lumigo-cli."""

from tests.emulators.environments import NodePackages

RUNTIME_CLIENT = NodePackages(name="aws-lambda-ric-4.0.2", packages=("aws-lambda-ric@4.0.2",))
"""npm builds it, with cmake and a C++ compiler, in a minute or two; it warns that it wants Node 22, and runs on 20."""

AWS_SDK = NodePackages(
    name="aws-sdk-3.1169.0",
    packages=(
        "@aws-sdk/client-cloudwatch@3.1162.0",
        "@aws-sdk/client-dynamodb@3.1162.0",
        "@aws-sdk/client-kinesis@3.1143.0",
        "@aws-sdk/client-lambda@3.1162.0",
        "@aws-sdk/client-s3@3.1169.0",
        "@aws-sdk/client-sns@3.1169.0",
        "@aws-sdk/client-sqs@3.1169.0",
        "@aws-sdk/lib-dynamodb@3.1162.0",
    ),
)
"""AWS's SDK for JavaScript: a client for each of its protocols, and the one that speaks HTTP/2."""

KINESIS = NodePackages(name="kinesis-local-0.5.2", packages=("kinesis-local@0.5.2",))
"""What LocalStack 4.14.0 has for Kinesis, and would install by itself each time."""

SERVERLESS_OFFLINE = NodePackages(
    name="serverless-offline-13.9.0", packages=("serverless@3.40.0", "serverless-offline@13.9.0")
)
"""The last releases that need neither an account nor a download while they run."""

LUMIGO_CLI = NodePackages(name="lumigo-cli-0.48.4", packages=("lumigo-cli@0.48.4",))
"""The last release of a tool that moves dead letters; half a gigabyte."""
