# Turns proto-events/catalog.json into C++: the event kinds (EventKind, Event) and the catalog's
# rows and topics. Variables: IN, the JSON; OUT, the folder for the two headers.
cmake_minimum_required(VERSION 3.25)
file(READ ${IN} json)

# "NothingToCompensate" of "NothingToCompensate.v1", "order" of "order-service".
function(kind_name type out)
  string(REGEX REPLACE "\\.v[0-9]+$" "" name "${type}")
  set(${out} ${name} PARENT_SCOPE)
endfunction()
function(service_bits list out)
  set(bits "")
  string(JSON count LENGTH "${list}")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON service GET "${list}" ${i})
    string(REPLACE "-service" "" service "${service}")
    list(APPEND bits "bit(Service::${service})")
  endforeach()
  list(JOIN bits " | " bits)
  set(${out} "${bits}" PARENT_SCOPE)
endfunction()

# The rule that a row names, as an enumerator of KeyRule.
set(rule_orderId order_id)
set(rule_productId product_id)
set(rule_none none)

set(kinds "")
set(types "")
set(rows "")
string(JSON count LENGTH "${json}" events)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  foreach(member type producer topic key consumers)
    string(JSON ${member} GET "${json}" events ${i} ${member})
  endforeach()
  if(NOT DEFINED rule_${key})
    message(FATAL_ERROR "${IN}: ${type}: no such key rule: ${key}")
  endif()
  kind_name(${type} kind)
  if(NOT kind IN_LIST kinds)
    list(APPEND kinds ${kind})
    list(APPEND types "\"${type}\"")
  elseif(NOT "\"${type}\"" IN_LIST types)
    # A later major version is an event of its own, with a struct of its own: nothing here names one
    # yet.
    message(FATAL_ERROR "${IN}: ${type}: another major version of ${kind} is listed, too")
  endif()
  string(REPLACE "-service" "" producer "${producer}")
  if(NOT DEFINED topic_of_${producer})
    set(topic_of_${producer} ${topic})
  elseif(NOT topic STREQUAL topic_of_${producer})
    # The relay of a service sends to one topic of the saga.
    message(FATAL_ERROR "${IN}: ${type}: ${producer} already emits to ${topic_of_${producer}}")
  endif()
  service_bits("${consumers}" bits)
  string(APPEND rows "    {EventKind::${kind}, Service::${producer}, \"${topic}\", "
                     "KeyRule::${rule_${key}}, ${bits}},\n")
endforeach()

set(topics "")
string(JSON count LENGTH "${json}" topics)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  foreach(member name producers partitions replication minInsyncReplicas retentionMs retentionBytes
                 maxMessageBytes)
    string(JSON ${member} GET "${json}" topics ${i} ${member})
  endforeach()
  service_bits("${producers}" bits)
  string(APPEND topics "    {\"${name}\", ${bits}, ${partitions}, ${replication}, "
                       "${minInsyncReplicas}, ${retentionMs}, ${retentionBytes}, "
                       "${maxMessageBytes}},\n")
endforeach()

list(JOIN kinds ", " kind_list)
list(JOIN types ", " type_list)
set(head "#pragma once\n// Generated from proto-events/catalog.json by cmake/embed_catalog.cmake.\n")
file(WRITE ${OUT}/event_kinds.hpp "${head}"
  "#include <cstdint>\n#include <string_view>\n#include <variant>\n\n#include \"events/events.hpp\"\n\n"
  "namespace orderflow::events {\n\n"
  "// In the order of the alternatives of `Event`, so that `event.index()` is the kind.\n"
  "enum class EventKind : std::uint8_t { ${kind_list} };\n"
  "using Event = std::variant<${kind_list}>;\n"
  "inline constexpr std::string_view kTypeNames[] = {${type_list}};\n\n"
  "}  // namespace orderflow::events\n")
file(WRITE ${OUT}/catalog_rows.hpp "${head}"
  "#include \"events/catalog.hpp\"\n\n"
  "namespace orderflow::events {\n\n"
  "inline constexpr CatalogRow kCatalog[] = {\n${rows}};\n"
  "inline constexpr TopicSettings kTopics[] = {\n${topics}};\n\n"
  "}  // namespace orderflow::events\n")
