package org.natskvcache.nats;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.InterfaceLink;
import org.natskvcache.rpc.wrpc.ListedLink;
import org.natskvcache.rpc.wrpc.MalformedMessageException;

/**
 * The control interface of hosts 1.x. It lists links with names of configurations, so only links
 * that we lack are put, with values that are asked for one by one. Source: wasmCloud 1.9, {@code
 * crates/host/src/nats/ctl.rs}, {@code crates/host/src/wasmbus/ctl.rs}.
 */
final class WrpcHostLinks implements HostLinks.Generation {
  /** Names of configurations that hosts tell: one token of a subject. */
  private static final Pattern CONFIG_NAME = Pattern.compile("[^\\s.*>\\p{Cntrl}]{1,256}");

  private final String prefix;
  private final Function<InterfaceLink, @Nullable LinkId> lacking;
  private final BiFunction<LinkId, InterfaceLink, LinkDecision> put;

  /**
   * @param lacking what a link is to us; null when it is nothing, or when we have it
   * @param put puts a link
   */
  WrpcHostLinks(
      String lattice,
      Function<InterfaceLink, @Nullable LinkId> lacking,
      BiFunction<LinkId, InterfaceLink, LinkDecision> put) {
    prefix = "wasmbus.ctl.v1." + lattice;
    this.lacking = lacking;
    this.put = put;
  }

  @Override
  public String subject() {
    return prefix + ".link.get";
  }

  @Override
  public Optional<List<HostLinks.Listed>> links(byte[] answer) {
    try {
      var missing = new ArrayList<HostLinks.Listed>();
      for (ListedLink listed : ControlCodec.links(answer)) {
        LinkId id = lacking.apply(listed.link());
        if (id != null) missing.add(new Missing(id, listed));
      }
      return Optional.of(missing);
    } catch (MalformedMessageException e) {
      return Optional.empty();
    }
  }

  private final class Missing implements HostLinks.Listed {
    private final LinkId id;
    private final ListedLink listed;

    Missing(LinkId id, ListedLink listed) {
      this.id = id;
      this.listed = listed;
    }

    @Override
    public LinkId id() {
      return id;
    }

    @Override
    public @Nullable Supplier<LinkDecision> rebuilt(HostLinks.Host host)
        throws InterruptedException {
      boolean caller = id.role() == LinkId.Role.CALLER;
      var values = new TreeMap<String, String>();
      for (String name : caller ? listed.targetConfig() : listed.sourceConfig()) {
        var config = config(host, name);
        if (config.isEmpty()) return null;
        values.putAll(config.get());
      }
      InterfaceLink link = caller ? listed.with(Map.of(), values) : listed.with(values, Map.of());
      return () -> put.apply(id, link);
    }
  }

  private Optional<SortedMap<String, String>> config(HostLinks.Host host, String name)
      throws InterruptedException {
    if (!ListedLink.isPublic(name) || !CONFIG_NAME.matcher(name).matches()) return Optional.empty();
    byte[] answer = host.ask(prefix + ".config.get." + name);
    try {
      return answer == null ? Optional.empty() : ControlCodec.namedConfig(answer);
    } catch (MalformedMessageException e) {
      return Optional.empty();
    }
  }
}
