"""What KubeRay's objects may hold, as its API reference of v1.6 has it.

The resource definitions themselves are in no package of a registry, so this is not them: it is the
names and kinds of the fields, so that a misspelt one is found. Pod templates, which are most of such
an object, are Kubernetes' own and are checked against its schemas.
"""

from typing import Any

WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
ANYTHING: dict[str, Any] = {"type": "object"}
"""Kubernetes' own; checked by its own schemas."""
WHOLE = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
TEXT = {"type": "string", "minLength": 1}


def fields(required: set[str], /, **known: Any) -> dict[str, Any]:
    """A schema for an object with these fields and no others."""
    return {
        "type": "object",
        "properties": known,
        "required": sorted(required),
        "additionalProperties": False,
    }


CLUSTER = fields(
    {"headGroupSpec"},
    rayVersion=TEXT,
    suspend=FLAG,
    managedBy=TEXT,
    headServiceAnnotations=WORDS,
    enableInTreeAutoscaling=FLAG,
    gcsFaultToleranceOptions=ANYTHING,
    authOptions=fields(
        set(),
        mode={"enum": ["disabled", "token"]},
        secretName=TEXT,
        enableK8sTokenAuth=FLAG,
    ),
    autoscalerOptions=fields(
        set(),
        version={"enum": ["v1", "v2"]},
        resources=ANYTHING,
        image=TEXT,
        imagePullPolicy=TEXT,
        securityContext=ANYTHING,
        idleTimeoutSeconds=WHOLE,
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
        env={"type": "array"},
        envFrom={"type": "array"},
        volumeMounts={"type": "array"},
    ),
    headGroupSpec=fields(
        {"rayStartParams", "template"},
        template=ANYTHING,
        headService=ANYTHING,
        enableIngress=FLAG,
        resources=WORDS,
        labels=WORDS,
        rayStartParams=WORDS,
        serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]},
    ),
    workerGroupSpecs={
        "type": "array",
        "items": fields(
            {"groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"},
            suspend=FLAG,
            groupName=TEXT,
            replicas=WHOLE,
            minReplicas=WHOLE,
            maxReplicas=WHOLE,
            idleTimeoutSeconds=WHOLE,
            resources=WORDS,
            labels=WORDS,
            rayStartParams=WORDS,
            template=ANYTHING,
            scaleStrategy=ANYTHING,
            numOfHosts=WHOLE,
        ),
    },
)

JOB = fields(
    set(),
    activeDeadlineSeconds={"type": "integer", "minimum": 1},
    backoffLimit=WHOLE,
    rayClusterSpec=CLUSTER,
    submitterPodTemplate=ANYTHING,
    metadata=WORDS,
    clusterSelector=WORDS,
    submitterConfig=fields(set(), backoffLimit=WHOLE),
    managedBy=TEXT,
    deletionStrategy=ANYTHING,
    entrypoint=TEXT,
    runtimeEnvYAML=TEXT,
    jobId=TEXT,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
    entrypointResources=TEXT,
    entrypointNumCpus={"type": "number"},
    entrypointNumGpus={"type": "number"},
    ttlSecondsAfterFinished=WHOLE,
    shutdownAfterJobFinishes=FLAG,
    suspend=FLAG,
)

SPECS = {"RayCluster": CLUSTER, "RayJob": JOB}
