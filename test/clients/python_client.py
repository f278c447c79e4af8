"""What a program with the Python client does; prints one JSON line for each step, and ends with an error when one fails."""

import json
import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import stream

config.load_kube_config(config_file=sys.argv[1])
namespace, has_pods = sys.argv[2], sys.argv[3] == "pods"
core, apps = client.CoreV1Api(), client.AppsV1Api()


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


core.create_namespace({"metadata": {"name": namespace}})
made = core.create_namespaced_config_map(namespace, {"metadata": {"name": "one", "labels": {"a": "b"}}, "data": {"x": "1"}})
say("create", name=made.metadata.name, data=made.data)

try:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "one"}})
except ApiException as error:
    say("conflict", status=error.status, reason=json.loads(error.body)["reason"])

events = []
start = core.list_namespaced_config_map(namespace, label_selector="a=b")
say("list", names=[item.metadata.name for item in start.items])
patched = core.patch_namespaced_config_map("one", namespace, {"data": {"y": "2"}})
say("patch", data=patched.data)
patched.data = {"z": "3"}
say("replace", data=core.replace_namespaced_config_map("one", namespace, patched).data)
core.delete_namespaced_config_map("one", namespace)
watcher = watch.Watch()
for event in watcher.stream(
    core.list_namespaced_config_map, namespace, label_selector="a=b", resource_version=start.metadata.resource_version
):
    events.append(event["type"])
    if event["type"] == "DELETED":
        watcher.stop()
say("watch", types=events)

for index in range(5):
    core.create_namespaced_secret(namespace, {"metadata": {"name": f"s{index}"}, "stringData": {"k": "v"}})
page = core.list_namespaced_secret(namespace, limit=2)
sizes = [len(page.items)]
while page.metadata._continue:
    page = core.list_namespaced_secret(namespace, limit=2, _continue=page.metadata._continue)
    sizes.append(len(page.items))
say("pages", sizes=sizes)

labels = {"app": "web"}
container = client.V1Container(name="web", image="busybox:1", command=["sleep", "1000"])
deployment = client.V1Deployment(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1DeploymentSpec(
        replicas=1,
        selector=client.V1LabelSelector(match_labels=labels),
        template=client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels),
            spec=client.V1PodSpec(containers=[container], termination_grace_period_seconds=0),
        ),
    ),
)
apps.create_namespaced_deployment(namespace, deployment)
scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
say("scale", replicas=scale.spec.replicas)

if has_pods:
    for event in watch.Watch().stream(apps.list_namespaced_deployment, namespace, timeout_seconds=60):
        if (event["object"].status.ready_replicas or 0) == 2:
            break
    pod = core.list_namespaced_pod(namespace, label_selector="app=web").items[0].metadata.name
    command = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    shell = stream(core.connect_get_namespaced_pod_exec, pod, namespace, command=command, stdout=True, stderr=True, _preload_content=False)
    shell.run_forever(timeout=20)
    say("exec", out=shell.read_stdout(), err=shell.read_stderr(), code=shell.returncode)

review = client.AuthorizationV1Api().create_self_subject_access_review(
    {"spec": {"resourceAttributes": {"verb": "delete", "resource": "nodes"}}}
)
say("review", allowed=review.status.allowed)
versions = [group.name for group in client.ApisApi().get_api_versions().groups]
say("groups", found=all(name in versions for name in ("apps", "batch", "networking.k8s.io")))
core.delete_namespace(namespace)
for event in watch.Watch().stream(core.list_namespace, field_selector=f"metadata.name={namespace}", timeout_seconds=60):
    if event["type"] == "DELETED":
        break
say("gone")
