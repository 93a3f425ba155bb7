// Runs once for each user past the sunset date: all or nothing, in a sandbox of its own.
// `input` is the user as it was claimed, `objectID` its path. Only `true` at the end counts as done.
var status = identityServer.getProperty("sunset.status", "inactive");

openidm.patch(objectID, null, [
  {operation: "replace", field: "/active", value: false},
  {operation: "replace", field: "/accountStatus", value: status}
]);
logger.info("{} is {} now", input.userName, status);

true;
