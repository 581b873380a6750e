package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class NkeyTest {
  @Test
  void newKeysAreValidAndDifferent() {
    String one = Nkey.newPublic('V');
    assertEquals(56, one.length());
    assertTrue(Nkey.isPublic('V', one));
    assertNotEquals(one, Nkey.newPublic('V'));
  }

  @Test
  void keysOfOtherImplementationsAreValid() {
    assertTrue(Nkey.isPublic('C', "CAQQHYABXBPDBZIGDZIT7E73HW66RPCFC3GGLQKSDDTVWUVOYZBYHUND"));
    assertTrue(Nkey.isPublic('M', "MDNX3CB6VBXG55GOJ6UYON7AMK6SLYPB6GLPRZGTEE6625EFLJDQKWWR"));
    assertTrue(Nkey.isPublic('V', "VC3IJSRK3KIJUD5PQIEU2UNWT4PQCRYTAXFC4PDLTCMDX7L77YRUGCXW"));
  }

  @Test
  void anyDamagedCharacterIsNoticed() {
    String key = Nkey.newPublic('M');
    for (int i = 0; i < key.length(); i++) {
      char other = key.charAt(i) == 'A' ? 'B' : 'A';
      assertFalse(Nkey.isPublic('M', key.substring(0, i) + other + key.substring(i + 1)), "at " + i);
    }
  }

  @Test
  void otherTextIsNoKey() {
    String key = Nkey.newPublic('C');
    assertFalse(Nkey.isPublic('M', key));
    assertFalse(Nkey.isPublic('C', ""));
    assertFalse(Nkey.isPublic('C', key + "A"));
    assertFalse(Nkey.isPublic('C', key.toLowerCase(java.util.Locale.ROOT)));
    assertFalse(Nkey.isPublic('C', "C".repeat(56)));
  }
}
