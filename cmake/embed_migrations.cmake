# Turns the migrations that every service has and the service's own into constants, so that a
# service carries its schema. Files are taken in the order of their numbers.
function(series name dir out)
  file(GLOB files ${dir}/*.sql)
  list(SORT files)
  set(number 0)
  set(text "")
  foreach(file ${files})
    math(EXPR number "${number} + 1")
    get_filename_component(base ${file} NAME)
    string(REGEX MATCH "^[0-9][0-9][0-9]_[a-z0-9_]+\\.sql$" ok ${base})
    string(SUBSTRING "${base}" 0 3 digits)
    math(EXPR found "1${digits} - 1000")
    if(NOT ok OR NOT found EQUAL number)
      message(FATAL_ERROR "${file}: the migration after ${number} files is to be named NNN_what_it_does.sql")
    endif()
    file(READ ${file} sql)
    string(APPEND text "    {\"${base}\", R\"__sql__(${sql})__sql__\"},\n")
  endforeach()
  set(${out} "constexpr postgres::MigrationFile k_${name}[] = {\n${text}};\n" PARENT_SCOPE)
endfunction()

series(common ${COMMON} common)
series(${NAME} ${OWN} own)
file(WRITE ${OUT} "#include \"postgres/migration.hpp\"\n\nnamespace orderflow::${NAME} {\nnamespace {\n"
  "${common}${own}"
  "constexpr postgres::MigrationSeries kSeries[] = {{\"common\", k_common}, {\"${NAME}\", k_${NAME}}};\n"
  "}  // namespace\n\n"
  "extern const postgres::Migrations kMigrations;\n"
  "const postgres::Migrations kMigrations = kSeries;\n"
  "}  // namespace orderflow::${NAME}\n")
