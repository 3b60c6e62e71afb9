# CMake reads this as llama.cpp's project begins. llama-cpp-python asks for the library that
# llama.cpp's own programs share (arguments, downloads, an HTTP client), and loads nothing of it.
set(LLAMA_BUILD_COMMON OFF)
