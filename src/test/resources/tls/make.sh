#!/bin/sh
# Makes the certificates in this folder, valid for a hundred years. They guard nothing: the keys are
# for tests on 127.0.0.1 alone. Run it in this folder; needs openssl.
set -eu
days=36500
ca() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/CN=$2" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$1-key.tmp" -out "$1.pem"
}
signed() { # name subject key-options extension
  openssl req -newkey $3 -nodes -subj "/CN=$2" -keyout "$1-key.pem" -out "$1.csr.tmp"
  printf '%s\n' "$4" >"$1.ext.tmp"
  openssl x509 -req -days $days -in "$1.csr.tmp" -CA ca.pem -CAkey ca-key.tmp -CAcreateserial \
    -CAserial serial.tmp -extfile "$1.ext.tmp" -out "$1.pem"
}
ca ca 'test authority'
ca other-ca 'another authority'
signed server 'test server' rsa:2048 'subjectAltName=DNS:localhost,IP:127.0.0.1'
signed elsewhere 'another server' 'ec -pkeyopt ec_paramgen_curve:P-256' 'subjectAltName=DNS:elsewhere.example'
signed client 'test client' 'ec -pkeyopt ec_paramgen_curve:P-256' 'extendedKeyUsage=clientAuth'
rm -f ./*.tmp
