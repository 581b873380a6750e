package org.natskvcache.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.slf4j.event.KeyValuePair;

/**
 * A log event as a JSON object on one line:
 *
 * <pre>{"timestamp":"2026-01-01T00:00:00.000Z","level":"INFO","logger":"org.natskvcache.Main",
 *  "message":"started","fields":{"link":"default"},"trace":"..."}</pre>
 *
 * <p>{@code fields} and {@code trace} are left out when empty. Logback's own encoder is not used:
 * it writes the time as a number, and key-value pairs as a list of one-entry objects that no log
 * search can address.
 */
final class JsonLineEncoder extends LineEncoder {
  private final JsonFactory json = new JsonFactory();

  @Override
  public byte[] encode(ILoggingEvent event) {
    StringBuilder time = new StringBuilder(24);
    TextLineEncoder.timestamp(time, event.getTimeStamp());
    ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    try (JsonGenerator object = json.createGenerator(line)) {
      object.writeStartObject();
      object.writeStringField("timestamp", time.toString());
      object.writeStringField("level", event.getLevel().toString());
      object.writeStringField("logger", event.getLoggerName());
      object.writeStringField("message", event.getFormattedMessage());
      fields(object, event);
      if (event.getThrowableProxy() != null) {
        object.writeStringField(
            "trace", ThrowableProxyUtil.asString(event.getThrowableProxy()).strip());
      }
      object.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // cannot happen: the line is written to memory
    }
    line.writeBytes("\n".getBytes(StandardCharsets.US_ASCII));
    return line.toByteArray();
  }

  private static void fields(JsonGenerator object, ILoggingEvent event) throws IOException {
    if (event.getKeyValuePairs() == null || event.getKeyValuePairs().isEmpty()) return;
    object.writeObjectFieldStart("fields");
    for (KeyValuePair pair : event.getKeyValuePairs()) {
      switch (pair.value) {
        case Long number -> object.writeNumberField(pair.key, number);
        case Integer number -> object.writeNumberField(pair.key, number);
        case Boolean yes -> object.writeBooleanField(pair.key, yes);
        case null, default -> object.writeStringField(pair.key, String.valueOf(pair.value));
      }
    }
    object.writeEndObject();
  }
}
