package org.natskvcache.chaos;

import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.natskvcache.process.KeyValueClient;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/** Reads every key on every instance, and demands that all answer alike and as the ledgers say. */
final class Comparison {
  private static final int SHOWN_MAX = 200;

  /** As many as anyone would read. */
  private static final int COMPLAINTS_MAX = 30;

  final List<String> complaints = new ArrayList<>();
  final Account account = new Account();
  int keys;
  int exactCounters;
  int counters;

  /** Of instances that nobody writes to any more. */
  static Comparison of(List<Instance> instances, List<Ledger> ledgers) {
    var comparison = new Comparison();
    comparison.compareAnswers(instances, ledgers);
    comparison.compareAccounts(instances.getFirst().provider().calls, ledgers);
    return comparison;
  }

  private void compareAnswers(List<Instance> instances, List<Ledger> ledgers) {
    List<Map<String, String>> answers = new ArrayList<>();
    try (var threads = Executors.newFixedThreadPool(instances.size())) {
      List<Future<Map<String, String>>> running = new ArrayList<>();
      for (Instance instance : instances) {
        running.add(threads.submit(() -> readAll(instance.provider().calls, ledgers)));
      }
      for (Future<Map<String, String>> each : running) {
        answers.add(each.get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    } catch (ExecutionException e) {
      throw new AssertionError("could not read everything", e);
    }
    keys = answers.getFirst().size();
    for (String key : answers.getFirst().keySet()) {
      if (answers.stream().map(all -> all.get(key)).distinct().count() > 1) {
        var difference = new StringBuilder(key + " differs:");
        for (int i = 0; i < answers.size(); i++) {
          difference.append(" on ").append(instances.get(i).name()).append(": ");
          difference.append(shortened(answers.get(i).get(key)));
        }
        complain(difference.toString());
      }
    }
  }

  private static Map<String, String> readAll(KeyValueClient calls, List<Ledger> ledgers) {
    var answers = new LinkedHashMap<String, String>();
    for (Keys keys : Keys.values()) {
      for (String key : keys.all()) {
        answers.put(key, read(calls, key));
      }
    }
    for (Ledger ledger : ledgers) {
      answers.put(ledger.beatKey(), calls.get(ledger.beatKey()).orElse("absent"));
    }
    return answers;
  }

  /** What the operations for each type answer, refusals too. */
  private static String read(KeyValueClient calls, String key) {
    return "string "
        + answer(calls.request("Get", text(key)))
        + ", list "
        + answer(calls.request("ListRange", struct("listName", key, "start", 0, "stop", -1)))
        + ", set "
        + answer(calls.request("SetQuery", text(key)));
  }

  private static String answer(SigningCaller.Response response) {
    return response.error().isEmpty()
        ? HexFormat.of().formatHex(response.msg())
        : "refused: " + response.error();
  }

  private void compareAccounts(KeyValueClient calls, List<Ledger> ledgers) {
    for (Ledger ledger : ledgers) {
      account.add(ledger, calls.get(ledger.beatKey()).map(Integer::parseInt).orElse(0));
    }
    for (Keys kind : List.of(Keys.COUNTERS, Keys.EXACT)) {
      for (String key : kind.all()) {
        account.checkCounter(key, calls.get(key).map(Long::parseLong).orElse(0L));
        counters++;
        exactCounters += account.exact(key) ? 1 : 0;
      }
    }
    Keys.LOGS.all().forEach(key -> account.checkList(key, calls.list(key)));
    Keys.CROWDS.all().forEach(key -> account.checkSet(key, calls.members(key)));
    account.complaints().forEach(this::complain);
  }

  private void complain(String text) {
    if (complaints.size() < COMPLAINTS_MAX) {
      complaints.add(text);
    }
  }

  private static String shortened(String text) {
    return text.length() <= SHOWN_MAX ? text : text.substring(0, SHOWN_MAX) + "...";
  }
}
