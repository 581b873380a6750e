package org.natskvcache;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.PortBinding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;

/**
 * A NATS server on 127.0.0.1 for one test: the program that the environment variable {@code
 * NATS_SERVER} names, else {@code nats-server} on the PATH or in a system folder, else the image
 * {@code NATS_IMAGE} in Docker, else a failure that names these ways.
 *
 * <p>It keeps its port when killed and started again, and dies with the test's JVM.
 */
public final class NatsForTests implements AutoCloseable {
  private static final String IMAGE_DEFAULT = "nats:2.12-alpine";
  private static final Duration START_MAX = Duration.ofSeconds(20);
  private static final int PORT_TRIES = 10;

  /** Servers to stop when the JVM goes away without closing them. */
  private static final Set<Server> RUNNING = ConcurrentHashMap.newKeySet();

  /** Set before the running ones are ended: what starts after that ends itself. */
  private static volatile boolean stopping;

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stopping = true;
                  for (Server server : RUNNING) {
                    server.kill();
                    server.remove();
                  }
                },
                "nats-for-tests-stop"));
  }

  private final Server server;
  private final int port;
  private boolean closed;

  private NatsForTests(Server server, int port) {
    this.server = server;
    this.port = port;
  }

  /** Starts a server with these extra arguments and waits until it accepts clients. */
  public static NatsForTests start(String... args) {
    return start("", Map.of(), args);
  }

  /** Starts a server with JetStream, whose files go when it is closed. */
  public static NatsForTests startWithJetStream() {
    return start("jetstream { store_dir: \"$DIR/jetstream\" }", Map.of());
  }

  /**
   * Starts a server with a configuration. In its text {@code $DIR} stands for the folder that
   * {@code files} (name to content) are put into.
   */
  public static NatsForTests start(String config, Map<String, byte[]> files, String... args) {
    Optional<Path> program = program();
    var allFiles = new TreeMap<>(files);
    var allArgs = new ArrayList<>(List.of(args));
    IllegalStateException failure = null;
    for (int attempt = 0; attempt < PORT_TRIES; attempt++) {
      int port = freePort();
      Server server =
          program.isPresent()
              ? new LocalServer(program.get(), port, config, allFiles, allArgs)
              : new DockerServer(image(), port, config, allFiles, allArgs);
      try {
        server.start();
        return new NatsForTests(server, port);
      } catch (PortTaken e) {
        failure = e;
      }
    }
    throw new IllegalStateException("no free port for a NATS server", failure);
  }

  /** Starts a server in Docker from this image whatever else there is; for the test of that way. */
  static NatsForTests startInDocker(String image, String... args) {
    int port = freePort();
    var server = new DockerServer(DockerImageName.parse(image), port, "", Map.of(), List.of(args));
    server.start();
    return new NatsForTests(server, port);
  }

  /** {@code nats://127.0.0.1:PORT}. */
  public String url() {
    return "nats://127.0.0.1:" + port;
  }

  /** The client port. */
  public int port() {
    return port;
  }

  /**
   * Ends the server at once, as a power cut would; its port stays reserved for {@link #restart}.
   */
  public void kill() {
    server.kill();
  }

  /** Starts it again on the same port with the same configuration, killing it first if it runs. */
  public void restart() {
    server.kill();
    long end = System.nanoTime() + START_MAX.toNanos();
    while (true) {
      try {
        server.start();
        return;
      } catch (PortTaken e) {
        // somebody's outgoing connection holds the port for a moment
        if (System.nanoTime() > end) {
          throw e;
        }
        waitABit();
      }
    }
  }

  /** SIGSTOP: it stands still, its connections open, until {@link #resume} or {@link #restart}. */
  public void pause() {
    server.signal("STOP");
  }

  /** SIGCONT. */
  public void resume() {
    server.signal("CONT");
  }

  /**
   * Gives one of its files another content, to be read at the next {@link #restart} or {@link
   * #reload}.
   */
  public void replaceFile(String name, byte[] content) {
    server.put(name, content);
  }

  /** Makes it read its configuration again; clients keep their connections. */
  public void reload() {
    server.signal("HUP");
  }

  /** What the server has logged since its last start. */
  public String log() {
    return server.log();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      server.kill();
      server.remove();
    }
  }

  /** The nats-server program on this machine, if there is one. */
  public static Optional<Path> program() {
    String given = System.getenv("NATS_SERVER");
    if (given != null && !given.isBlank()) {
      Path path = Path.of(given);
      if (!Files.isExecutable(path)) {
        throw new IllegalStateException("NATS_SERVER is set but names no program");
      }
      return Optional.of(path);
    }
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Stream.concat(
            Arrays.stream(path.split(":")),
            Stream.of("/usr/sbin", "/usr/local/sbin", "/usr/local/bin"))
        .filter(dir -> !dir.isBlank())
        .map(dir -> Path.of(dir, "nats-server"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Asks quietly: Testcontainers logs a page about every place it looked in. */
  static boolean dockerAvailable() {
    if (LoggerFactory.getLogger("org.testcontainers") instanceof Logger logger) {
      logger.setLevel(Level.OFF);
    }
    return DockerClientFactory.instance().isDockerAvailable();
  }

  private static DockerImageName image() {
    if (!dockerAvailable()) {
      throw new IllegalStateException(
          "These tests need a NATS server: point NATS_SERVER at a nats-server program, put"
              + " nats-server on the PATH (Debian: apt-get install nats-server), or start Docker"
              + " (image from NATS_IMAGE, default "
              + IMAGE_DEFAULT
              + ").");
    }
    return DockerImageName.parse(
        Optional.ofNullable(System.getenv("NATS_IMAGE")).orElse(IMAGE_DEFAULT));
  }

  /**
   * A port nobody listens on, below the range that systems give to outgoing connections: so that it
   * is still ours after a restart.
   */
  public static int freePort() {
    for (int attempt = 0; attempt < 1000; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(15_000, 32_000);
      try (ServerSocket probe = new ServerSocket()) {
        probe.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return port;
      } catch (IOException e) {
        // taken: try another
      }
    }
    throw new IllegalStateException("no free port");
  }

  private static void waitABit() {
    try {
      Thread.sleep(5);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for nats-server", e);
    }
  }

  /** The port was free a moment ago and is not any more. */
  private static final class PortTaken extends IllegalStateException {
    private static final long serialVersionUID = 1;

    PortTaken(String log) {
      super("address already in use: " + log);
    }
  }

  private interface Server {
    void start();

    void kill();

    void signal(String name);

    void remove();

    void put(String name, byte[] content);

    String log();
  }

  private static final class LocalServer implements Server {
    private final Path dir;
    private final Path log;
    private final List<String> command = new ArrayList<>();
    private Process process;

    LocalServer(
        Path program, int port, String config, Map<String, byte[]> files, List<String> args) {
      try {
        dir = Files.createTempDirectory("nats-for-tests");
        log = dir.resolve("log");
        files.forEach(this::put);
        command.addAll(List.of(program.toString(), "-a", "127.0.0.1", "-p", "" + port));
        if (!config.isEmpty()) {
          Path path = dir.resolve("nats.conf");
          Files.writeString(path, config.replace("$DIR", dir.toString()));
          command.addAll(List.of("-c", path.toString()));
        }
        command.addAll(args);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void start() {
      try {
        process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process.getOutputStream().close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      RUNNING.add(this);
      if (stopping) {
        process.destroyForcibly();
      }
      long end = System.nanoTime() + START_MAX.toNanos();
      while (!log().contains("Server is ready")) {
        if (!process.isAlive() || System.nanoTime() > end) {
          kill();
          if (log().contains("address already in use")) {
            throw new PortTaken(log());
          }
          throw new IllegalStateException("nats-server did not start: " + log());
        }
        waitABit();
      }
    }

    @Override
    public void kill() {
      RUNNING.remove(this);
      if (process != null) {
        process.destroyForcibly();
        process.onExit().join();
      }
    }

    @Override
    public void signal(String name) {
      Signals.send(process.pid(), name);
    }

    @Override
    public void remove() {
      try (Stream<Path> paths = Files.walk(dir)) {
        paths.sorted(java.util.Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void put(String name, byte[] content) {
      try {
        Files.write(dir.resolve(name), content);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public String log() {
      try {
        return Files.exists(log) ? Files.readString(log) : "";
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class DockerServer implements Server {
    private static final String DIR = "/tmp/nats-for-tests";

    private final GenericContainer<?> container;
    private final int port;

    DockerServer(
        DockerImageName image,
        int port,
        String config,
        Map<String, byte[]> files,
        List<String> args) {
      this.port = port;
      container = new GenericContainer<>(image);
      var command = new ArrayList<String>();
      if (!config.isEmpty()) {
        command.addAll(List.of("-c", DIR + "/nats.conf"));
        put("nats.conf", config.replace("$DIR", DIR).getBytes(StandardCharsets.UTF_8));
      }
      files.forEach(this::put);
      command.addAll(List.of("-p", "4222"));
      command.addAll(args);
      container
          .withCommand(command.toArray(String[]::new))
          .withCreateContainerCmdModifier(create -> {
            HostConfig host = create.getHostConfig();
            create.withHostConfig(
                (host == null ? new HostConfig() : host)
                    .withPortBindings(PortBinding.parse("127.0.0.1:" + port + ":4222/tcp")));
          })
          .withExposedPorts(4222);
      container.waitingFor(
          new org.testcontainers.containers.wait.strategy.AbstractWaitStrategy() {
            @Override
            protected void waitUntilReady() {
              awaitGreeting();
            }
          });
    }

    @Override
    public void put(String name, byte[] content) {
      Transferable file = Transferable.of(content, 0644);
      if (container.getContainerId() == null) {
        container.withCopyToContainer(file, DIR + "/" + name);
      } else {
        container.copyFileToContainer(file, DIR + "/" + name);
      }
    }

    @Override
    public void start() {
      RUNNING.add(this);
      if (container.getContainerId() == null) {
        container.start();
      } else {
        docker().startContainerCmd(container.getContainerId()).exec();
        awaitGreeting();
      }
    }

    /** Docker's port forwarder accepts before the server does, so only its first line counts. */
    private void awaitGreeting() {
      long end = System.nanoTime() + START_MAX.toNanos();
      while (System.nanoTime() < end) {
        try (Socket socket = new Socket()) {
          socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
          socket.setSoTimeout(1000);
          if (socket.getInputStream().read() == 'I') {
            return;
          }
        } catch (IOException e) {
          // not there yet
        }
        waitABit();
      }
      throw new IllegalStateException("the NATS container did not start: " + log());
    }

    @Override
    public void kill() {
      if (RUNNING.remove(this) && container.getContainerId() != null) {
        docker().killContainerCmd(container.getContainerId()).exec();
      }
    }

    @Override
    public void signal(String name) {
      docker().killContainerCmd(container.getContainerId()).withSignal(name).exec();
    }

    @Override
    public void remove() {
      container.stop();
    }

    @Override
    public String log() {
      return container.getLogs();
    }

    private static DockerClient docker() {
      return DockerClientFactory.instance().client();
    }
  }
}
