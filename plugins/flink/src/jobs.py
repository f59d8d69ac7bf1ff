"""Jobs: those that run, and those that ended not long ago, which Flink keeps for a while."""

from headgate import HeadgateError, resource


def listed(gateway):
    """With what the listing gives, and the configuration of each, which never changes while it runs."""
    jobs = gateway.get("/jobs/overview", "list the jobs")["jobs"]
    configs = gateway.get_all([f"/jobs/{job['jid']}/config" for job in jobs], "read a job's configuration")
    return [shown(job, config) for job, config in zip(jobs, configs)]


def found(gateway, jid):
    job = gateway.find(f"/jobs/{jid}", f"read the job {jid}")
    if job is None:
        return None
    config = gateway.find(f"/jobs/{jid}/config", f"read the configuration of {jid}")
    checkpoints = gateway.find(f"/jobs/{jid}/checkpoints", f"read the checkpoints of {jid}") or {}
    exceptions = gateway.find(f"/jobs/{jid}/exceptions?maxExceptions=1", f"read the failures of {jid}") or {}
    return shown(job, config, details(job, checkpoints.get("latest") or {}, exceptions))


def details(job, latest, exceptions):
    vertices = [
        {"name": vertex["name"], "parallelism": vertex["parallelism"], "status": vertex["status"]} for vertex in job.get("vertices", [])
    ]
    history = (exceptions.get("exceptionHistory") or {}).get("entries") or []
    root = history[0].get("stacktrace", "").splitlines()[:1] if history else []
    return {
        "vertices": vertices,
        "last_checkpoint": point(latest.get("completed")),
        "last_savepoint": point(latest.get("savepoint")),
        "restored_from": (latest.get("restored") or {}).get("external_path"),
        "failure": root[0] if root else None,
    }


def point(told):
    return told and {"path": told.get("external_path"), "at_ms": told.get("latest_ack_timestamp")}


def shown(job, config, more=None):
    execution = {} if config is None or isinstance(config, HeadgateError) else config.get("execution-config") or {}
    parallelism = execution.get("job-parallelism")
    spec = {
        "name": job["name"],
        # Below one it is not the job's own: each task has its own.
        **({"parallelism": parallelism} if parallelism and parallelism > 0 else {}),
        **({"restart_strategy": execution["restart-strategy"]} if execution.get("restart-strategy") else {}),
    }
    status = {
        "state": job["state"],
        "started_at_ms": job["start-time"],
        **({"ended_at_ms": job["end-time"]} if job.get("end-time", -1) > 0 else {}),
        **(more or {}),
    }
    # Submitted again under the same name it is another job: Flink gives it another id.
    return resource("job", job["jid"], spec, status=status, partial=isinstance(config, HeadgateError))
