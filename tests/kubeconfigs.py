"""What a person pastes to connect a cluster that is nobody's: for forms and services, which never reach it."""

import base64

from tests.cluster.certificates import Authority

SERVER = "https://192.0.2.10:6443"
"""An address for documentation: nobody's, and no name to resolve."""
AUTHORITY = base64.b64encode(Authority("of nobody").certificate).decode()
KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: main
contexts: [{{name: main, context: {{cluster: lab, user: bursar}}}}]
clusters: [{{name: lab, cluster: {{server: "{SERVER}", certificate-authority-data: {AUTHORITY}}}}}]
users: [{{name: bursar, user: {{token: "s3cret-token"}}}}]
"""
