package org.natskvcache.replication;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.natskvcache.replication.wire.Frame;

/**
 * A snapshot being received: the sections so far, as bytes. Nothing is changed until the last one
 * is here; a snapshot that stops half-way leaves no trace. Mutable; owned by the node.
 */
public final class Staging {
  private final int sectionsExpected;
  private final List<byte[]> sections = new ArrayList<>();
  private ByteArrayOutputStream open = new ByteArrayOutputStream();

  /**
   * @param sectionsExpected how many sections a whole cut has
   */
  public Staging(int sectionsExpected) {
    this.sectionsExpected = sectionsExpected;
  }

  /** The first section not here in full. */
  public int section() {
    return sections.size();
  }

  /** How many of its bytes are here. */
  public int offset() {
    return open.size();
  }

  /**
   * Adds a chunk that begins exactly where the last one ended.
   *
   * @return false if it does not, or claims more sections than there are; nothing is changed then
   */
  public boolean add(Frame.SnapshotChunk chunk) {
    if (chunk.section() != section() || chunk.offset() != offset()) return false;
    int begun = section();
    for (Frame.Piece piece : chunk.pieces()) {
      if (begun == sectionsExpected) return false;
      if (piece.ends()) begun++;
    }
    for (Frame.Piece piece : chunk.pieces()) {
      open.writeBytes(piece.bytes().array());
      if (!piece.ends()) continue;
      sections.add(open.toByteArray());
      open = new ByteArrayOutputStream();
    }
    return true;
  }

  public boolean complete() {
    return sections.size() == sectionsExpected;
  }

  /** The sections; the header first. */
  public List<byte[]> sections() {
    return sections;
  }
}
