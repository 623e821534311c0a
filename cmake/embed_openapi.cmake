# Turns api/openapi.yaml into a string constant, so that every service carries the description of
# its interface.
file(READ ${IN} text)
file(WRITE ${OUT} "#include <string_view>\nnamespace orderflow::service {\n"
  "extern const std::string_view kOpenApiYaml;\n"
  "const std::string_view kOpenApiYaml = R\"__yaml__(${text})__yaml__\";\n}\n")
