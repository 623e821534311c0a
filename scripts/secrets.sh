# Passwords, a CA, and certificates signed by it.
# shellcheck shell=bash
# The scripts that create them source this file: scripts/up, scripts/certificates, deploy/compose/make-secrets. It uses
# their die().

RENEW_WITHIN_S=$((30 * 24 * 3600))

random_password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# still_good TLS FILE: succeeds if FILE is a certificate of the CA in TLS that does not expire within RENEW_WITHIN_S.
still_good() {
    [[ -e $2 ]] && openssl x509 -in "$2" -noout -checkend "$RENEW_WITHIN_S" >/dev/null &&
        openssl verify -CAfile "$1/ca.pem" "$2" >/dev/null 2>&1
}

# make_ca TLS: creates TLS/ca.key and TLS/ca.pem. If there was a CA before, the certificates that it signed are replaced
# too, because still_good accepts only certificates of the new CA.
make_ca() {
    local tls=$1 work=$1/new.$$
    (umask 077 && mkdir "$work")
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    request -x509 -days 3653 -keyout "$work/key" -out "$work/certificate" -subj "/O=orderflow/CN=orderflow local CA" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
        -addext subjectKeyIdentifier=hash
    chmod 600 "$work/key" && chmod 644 "$work/certificate"
    mv "$work/key" "$tls/ca.key"
    mv "$work/certificate" "$tls/ca.pem"
    rm -rf "$work"
}

# make_certificate TLS NAME USE DAYS [OWNER [HOSTS [CN]]]: creates TLS/NAME.pem, which contains the key and the
# certificate; only OWNER can read it. HOSTS: in the syntax of subjectAltName (default: this machine's loopback). CN
# (default: NAME): Kafka uses it as the name of the client; all other programs check the hosts.
make_certificate() {
    local tls=$1 name=$2 use=$3 days=$4 owner=${5:-} hosts=${6:-DNS:localhost,IP:127.0.0.1,IP:::1} cn=${7:-$2}
    local work=$tls/new.$$
    (umask 077 && mkdir "$work")
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    request -x509 -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -days "$days" -keyout "$work/key" -out "$work/certificate" \
        -subj "/CN=$cn" -addext "subjectAltName=$hosts" \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext "extendedKeyUsage=$use" -addext subjectKeyIdentifier=hash -addext authorityKeyIdentifier=keyid
    (umask 077 && cat "$work/key" "$work/certificate" >"$work/both")
    if [[ -n $owner ]]; then chown "$owner" "$work/both"; fi
    mv "$work/both" "$tls/$name.pem"
    rm -rf "$work"
}

# openssl's own configuration adds extensions that may conflict with those given here, so it gets an empty one.
request() {
    local log
    log=$(openssl req -config <(printf '%s\n' '[req]' 'distinguished_name = none' '[none]') -sha256 \
        -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2>&1) ||
        die "openssl could not create a certificate: $(tail -n 3 <<<"$log")"
}
