"""Carries out the actions on a job. Flink works on them by itself; a handle names what to ask about."""

from headgate import Finished, Forecast, HeadgateError, Running

import actions
import refusals
from actions import CANCEL, SAVEPOINT, STOP

ENDED = ("CANCELED", "FINISHED", "FAILED")


def preview(gateway, name, jid, job, input):
    if job is None:
        raise HeadgateError("not-found", f"there is no job {jid}")
    called, state = job.spec["name"], job.status["state"]
    forecast = Forecast(document={"name": called, "state": state})
    if state in ENDED:
        forecast.warnings.append(f"the job is {state}: it will be refused")
    where = input.get("target_directory") or "the cluster's own directory"
    match name:
        case actions.SAVEPOINT:
            forecast.lines.append(f"{called}: a savepoint in {where}; the job goes on")
        case actions.STOP:
            forecast.lines.append(f"{called}: {state} → FINISHED, after a savepoint in {where}")
            if input.get("drain"):
                forecast.warnings.append("it is drained: from this savepoint it cannot go on")
        case actions.CANCEL:
            forecast.lines.append(f"{called}: {state} → CANCELED")
            last = job.status.get("last_checkpoint")
            forecast.warnings.append(f"what it did since {last['path']} is lost" if last and last.get("path") else "what it has done so far is lost")
    return forecast


def run(gateway, name, jid, input, operation_id):
    if name == CANCEL:
        gateway.send("PATCH", f"/jobs/{jid}?mode=cancel", f"cancel the job {jid}")
        return Running(f"{CANCEL}/{jid}")
    # Flink knows the request by this: sent twice, it is one.
    trigger = operation_id.replace("-", "").lower()
    body = {"triggerId": trigger, "formatType": input.get("format", "CANONICAL")}
    if name == SAVEPOINT:
        body.update({"cancel-job": False, "target-directory": input.get("target_directory")})
        gateway.send("POST", f"/jobs/{jid}/savepoints", f"take a savepoint of {jid}", body)
    elif name == STOP:
        body.update({"drain": input.get("drain", False), "targetDirectory": input.get("target_directory")})
        gateway.send("POST", f"/jobs/{jid}/stop", f"stop the job {jid}", body)
    else:
        raise HeadgateError("unsupported", f"there is no operation {name}")
    return Running(f"{name}/{jid}/{trigger}")


def poll(gateway, handle):
    name, jid, *trigger = handle.split("/")
    if name == CANCEL:
        return cancelled(gateway, handle, jid)
    # Stopping is asked about where savepoints are.
    told = gateway.get(f"/jobs/{jid}/savepoints/{trigger[0]}", f"ask about the savepoint of {jid}")
    if told["status"]["id"] != "COMPLETED":
        return Running(handle)
    operation = told.get("operation") or {}
    # Also a failed one is completed: then it has no place.
    if "location" not in operation:
        told = operation.get("failure-cause") or {}
        cause = refusals.cause(told.get("stack-trace", "")) or "Flink does not say why"
        error = HeadgateError("other", cause, code=told.get("class"))
        return Finished(f"no savepoint of {jid} was taken", failures=[("savepoint", error)])
    location = operation["location"]
    if name == STOP and state(gateway, jid) not in ENDED:
        # It has its savepoint, and ends in a moment.
        return Running(handle)
    done = "stopped, with a savepoint in" if name == STOP else "a savepoint is in"
    return Finished(f"{jid}: {done} {location}", output={"location": location})


def cancelled(gateway, handle, jid):
    now = state(gateway, jid)
    if now in ENDED or now is None:
        return Finished(f"{jid} is {now or 'gone'}", output={"state": now or "GONE"})
    return Running(handle)


def state(gateway, jid):
    job = gateway.find(f"/jobs/{jid}", f"read the job {jid}")
    return job and job["state"]
