# Turns the common tables and the service's schema.sql into a string constant, so that a service
# carries its schema.
file(READ ${COMMON} common)
file(READ ${IN} own)
file(WRITE ${OUT} "#include <string_view>\nnamespace orderflow::${NAME} {\n"
  "extern const std::string_view kSchemaSql;\n"
  "const std::string_view kSchemaSql = R\"__sql__(${common}\n${own})__sql__\";\n}\n")
