# Turns the files of a folder into a table of string constants, so that a service carries its pages.
# The table's type is declared in pages_api.hpp.
file(GLOB files RELATIVE ${DIR} ${DIR}/*.html ${DIR}/*.js ${DIR}/*.css ${DIR}/*.svg)
list(SORT files)
set(code "#include \"analytics/pages/pages_api.hpp\"\nnamespace orderflow::analytics {\n"
         "namespace {\nconstexpr PageFile kFiles[] = {\n")
file(WRITE ${OUT} ${code})
foreach(name ${files})
  file(READ ${DIR}/${name} text)
  file(APPEND ${OUT} "{\"${name}\", R\"__page__(${text})__page__\"},\n")
endforeach()
file(APPEND ${OUT} "};\n}  // namespace\n"
  "std::span<const PageFile> page_files() { return kFiles; }\n}\n")
