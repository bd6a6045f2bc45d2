-- The health of a TodoApp for Argo CD. The condition Stalled says that waiting does not help.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not reconciled yet"}
end
local is = {}
for _, c in ipairs(status.conditions or {}) do
  is[c.type] = c
end
local ready, stalled, paused = is.Ready, is.Stalled, is.Paused
if ready == nil then
  return {status = "Progressing", message = "not reconciled yet"}
elseif stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = stalled.message}
elseif paused ~= nil and paused.status == "True" then
  return {status = "Suspended", message = ready.status == "True" and paused.message or ready.message}
elseif ready.status == "True" then
  return {status = "Healthy", message = ready.message}
elseif ready.reason == "NotReady" or ready.reason == "MountFailed" or ready.reason == "Paused" then
  return {status = "Degraded", message = ready.message}
end
return {status = "Progressing", message = ready.message}
