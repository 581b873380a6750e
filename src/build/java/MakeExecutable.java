import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * Makes the self-contained executable: a trimmed Java runtime (jlink), the JAR, and an AOT cache that
 * one training run of that very runtime wrote, packed behind a shell script. Run by the build with
 * the JDK the project is compiled with: {@code java MakeExecutable.java JAR SCRIPT SOURCES WORK OUT}.
 * Does nothing when nothing it is made of has changed.
 */
public final class MakeExecutable {
  /** What the executable needs of the JDK, and why. */
  private static final List<String> MODULES =
      List.of(
          "java.logging", // libraries that log through it
          "java.naming", // host names in certificates
          "java.management", // memory and thread figures
          "java.net.http", // export of traces and metrics
          "java.sql", // Jackson's date types refer to it
          "java.xml", // logback's configuration classes refer to it
          "jdk.crypto.ec", // TLS with elliptic curves
          "jdk.jcmd", // thread dumps and heap figures of a running instance
          "jdk.jfr", // recordings of a running instance
          "jdk.management", // the same for jcmd
          "jdk.unsupported"); // Netty-like fast paths of libraries

  /** An AOT cache that was trained with a JAR of this time takes it with any other: unpacked files are young. */
  private static final FileTime NO_TIME = FileTime.fromMillis(0);

  private final Path jar;
  private final Path script;
  private final Path sources;
  private final Path work;
  private final Path out;

  private MakeExecutable(String[] args) {
    jar = Path.of(args[0]);
    script = Path.of(args[1]);
    sources = Path.of(args[2]);
    work = Path.of(args[3]);
    out = Path.of(args[4]);
  }

  public static void main(String[] args) throws Exception {
    new MakeExecutable(args).make();
  }

  private void make() throws Exception {
    Path stamp = work.resolve("made-of");
    String made = ingredients();
    if (Files.exists(out) && Files.exists(stamp) && Files.readString(stamp).equals(made)) return;
    delete(work);
    Path image = Files.createDirectories(work.resolve("image"));
    Path runtime = image.resolve("runtime");
    link(runtime);
    Path packedJar = Files.copy(jar, image.resolve("nats-kvcache.jar"));
    for (Path each : files(image)) Files.setLastModifiedTime(each, NO_TIME);
    train(runtime, packedJar, image.resolve("nats-kvcache.aot"));
    Path payload = work.resolve("payload.tar.gz");
    pack(image, payload);
    join(payload);
    Files.writeString(stamp, made);
  }

  private String ingredients() throws Exception {
    MessageDigest hash = MessageDigest.getInstance("SHA-256");
    hash.update(Files.readAllBytes(jar));
    hash.update(Files.readAllBytes(script));
    for (Path source : files(sources)) hash.update(Files.readAllBytes(source));
    hash.update(System.getProperty("java.vm.version").getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash.digest());
  }

  private static void link(Path runtime) {
    ToolProvider jlink =
        ToolProvider.findFirst("jlink").orElseThrow(() -> new IllegalStateException("this JDK has no jlink"));
    int code =
        jlink.run(
            System.out,
            System.err,
            "--add-modules",
            String.join(",", MODULES),
            "--strip-debug",
            "--no-header-files",
            "--no-man-pages",
            "--output",
            runtime.toString());
    if (code != 0) throw new IllegalStateException("jlink failed with " + code);
  }

  /** Runs the runtime once as a host would, against a server that routes messages and nothing else. */
  private void train(Path runtime, Path jar, Path cache) throws Exception {
    Path log = work.resolve("training.log");
    int code;
    try (var server = new TrainingServer()) {
      var builder =
          new ProcessBuilder(
              runtime.resolve("bin/java").toString(),
              "-XX:+UseSerialGC",
              "-XX:+UseCompactObjectHeaders",
              "-XX:AOTCacheOutput=" + cache,
              "-cp",
              jar.toString(),
              "org.natskvcache.Training",
              "nats://127.0.0.1:" + server.port());
      builder.environment().clear();
      builder.redirectErrorStream(true).redirectOutput(log.toFile());
      Process process = builder.start();
      if (!process.waitFor(120, TimeUnit.SECONDS)) process.destroyForcibly();
      code = process.waitFor();
    }
    if (code != 0 || !Files.exists(cache)) {
      throw new IllegalStateException(
          "the training run ended with " + code + ":\n" + Files.readString(log));
    }
  }

  /** The same bytes for the same content, whatever the machine's clock and users are. */
  private static void pack(Path image, Path payload) throws IOException {
    try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(payload));
        var zipped = new BestGzip(file);
        var tar = new TarArchiveOutputStream(zipped, "UTF-8")) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      for (Path each : files(image)) {
        var entry = new TarArchiveEntry(image.relativize(each).toString());
        entry.setSize(Files.size(each));
        entry.setMode(Files.isExecutable(each) ? 0100700 : 0100600);
        entry.setModTime(NO_TIME);
        entry.setIds(0, 0);
        tar.putArchiveEntry(entry);
        Files.copy(each, tar);
        tar.closeArchiveEntry();
      }
    }
  }

  private static Set<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static final class BestGzip extends GZIPOutputStream {
    BestGzip(OutputStream out) throws IOException {
      super(out, 1 << 16);
      def.setLevel(Deflater.BEST_COMPRESSION);
    }
  }

  private void join(Path payload) throws Exception {
    byte[] packed = Files.readAllBytes(payload);
    String hash =
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(packed), 0, 12);
    String text = Files.readString(script).replace("@HASH@", hash).replace("@CPU@", cpu());
    int length = text.getBytes(StandardCharsets.UTF_8).length - "@START@".length() + 5;
    byte[] stub =
        text.replace("@START@", "%05d".formatted(length + 1)).getBytes(StandardCharsets.UTF_8);
    if (stub.length != length) throw new IllegalStateException("the script names its length twice");
    Path whole = work.resolve("executable");
    try (OutputStream file = Files.newOutputStream(whole)) {
      file.write(stub);
      file.write(packed);
    }
    if (!whole.toFile().setExecutable(true, false)) throw new IOException("cannot make " + whole + " executable");
    Files.move(whole, out, StandardCopyOption.REPLACE_EXISTING);
    System.out.println("[INFO] " + out + ": " + Files.size(out) + " bytes, content " + hash);
  }

  /** What {@code uname -m} says on the processor that the runtime is for. */
  private static String cpu() {
    String name = System.getProperty("os.arch");
    return name.equals("amd64") ? "x86_64" : name;
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) return;
    List<Path> all = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files.forEach(all::addFirst);
    }
    for (Path each : all) Files.delete(each);
  }
}
