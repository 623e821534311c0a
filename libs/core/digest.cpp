#include "core/digest.hpp"

#include <algorithm>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>

namespace orderflow {

Digest digest_of(std::string_view text) {
    boost::uuids::name_generator_sha1 generate(boost::uuids::ns::oid());
    const boost::uuids::uuid uuid = generate(text.data(), text.size());
    Digest digest;
    std::ranges::copy(uuid, digest.bytes.begin());
    return digest;
}

}  // namespace orderflow
