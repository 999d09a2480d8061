#define VERSION "0.1.0" /* of the program and its client; every file sees it */
