"""What comes from npm: AWS's runtime client for Node, LocalStack's Kinesis, and serverless-offline, which others use."""

from tests.emulators.environments import NodePackages

RUNTIME_CLIENT = NodePackages(name="aws-lambda-ric-4.0.2", packages=("aws-lambda-ric@4.0.2",))
"""npm builds it, with cmake and a C++ compiler, in a minute or two; it warns that it wants Node 22, and runs on 20."""

KINESIS = NodePackages(name="kinesis-local-0.5.2", packages=("kinesis-local@0.5.2",))
"""What LocalStack 4.14.0 has for Kinesis, and would install by itself each time."""

SERVERLESS_OFFLINE = NodePackages(
    name="serverless-offline-13.9.0", packages=("serverless@3.40.0", "serverless-offline@13.9.0")
)
"""The last releases that need neither an account nor a download while they run."""
