package org.natskvcache.store;

import java.util.AbstractList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A list that is made when it is first read, from what does not change. For one thread at a time.
 */
final class LaterList extends AbstractList<Bytes> {
  private @Nullable Supplier<List<Bytes>> source;
  private List<Bytes> values = List.of();

  private final int elementsMax;

  /**
   * @param elementsMax how many there will be at most
   */
  LaterList(int elementsMax, Supplier<List<Bytes>> source) {
    this.elementsMax = elementsMax;
    this.source = source;
  }

  int elementsMax() {
    return elementsMax;
  }

  private List<Bytes> values() {
    Supplier<List<Bytes>> from = source;
    if (from != null) values = from.get();
    source = null;
    return values;
  }

  @Override
  public Bytes get(int index) {
    return values().get(index);
  }

  @Override
  public int size() {
    return values().size();
  }
}
