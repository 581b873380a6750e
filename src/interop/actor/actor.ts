// The actor that the interop run drives under hosts 0.x, in AssemblyScript. It is asked for
// LINK/OPERATION, calls the operation of wasmcloud:keyvalue over the link with this name, and
// answers what the cache answered. The functions are those that such a host gives every actor.
@external("wasmbus", "__guest_request")
declare function guestRequest(operation: ArrayBuffer, payload: ArrayBuffer): void;
@external("wasmbus", "__guest_response")
declare function guestResponse(bytes: ArrayBuffer, length: i32): void;
@external("wasmbus", "__guest_error")
declare function guestError(bytes: ArrayBuffer, length: i32): void;
@external("wasmbus", "__host_call")
declare function hostCall(
  link: ArrayBuffer, linkLength: i32,
  contract: ArrayBuffer, contractLength: i32,
  operation: ArrayBuffer, operationLength: i32,
  payload: ArrayBuffer, payloadLength: i32,
): i32;
@external("wasmbus", "__host_response_len")
declare function hostResponseLength(): i32;
@external("wasmbus", "__host_response")
declare function hostResponse(bytes: ArrayBuffer): void;
@external("wasmbus", "__host_error_len")
declare function hostErrorLength(): i32;
@external("wasmbus", "__host_error")
declare function hostError(bytes: ArrayBuffer): void;

export function __guest_call(operationLength: i32, payloadLength: i32): i32 {
  const asked = new ArrayBuffer(operationLength);
  const payload = new ArrayBuffer(payloadLength);
  guestRequest(asked, payload);
  const words = String.UTF8.decode(asked).split("/");
  const link = String.UTF8.encode(words[0]);
  const contract = String.UTF8.encode("wasmcloud:keyvalue");
  const operation = String.UTF8.encode(words[1]);
  const done = hostCall(
    link, link.byteLength,
    contract, contract.byteLength,
    operation, operation.byteLength,
    payload, payload.byteLength,
  );
  const answer = new ArrayBuffer(done == 1 ? hostResponseLength() : hostErrorLength());
  if (done == 1) {
    hostResponse(answer);
    guestResponse(answer, answer.byteLength);
  } else {
    hostError(answer);
    guestError(answer, answer.byteLength);
  }
  return done;
}
