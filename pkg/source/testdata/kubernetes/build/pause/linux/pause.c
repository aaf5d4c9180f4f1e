#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STRINGIFY(x) #x
#define VERSION_STRING(x) STRINGIFY(x)

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "-v")) {
    printf("pause.c %s\n", VERSION_STRING(VERSION));
    return 0;
  }
  return pause();
}
